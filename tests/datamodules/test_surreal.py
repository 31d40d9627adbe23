"""SURREAL, in its authors' files and in Moon's."""

import numpy as np
import pytest
import torch
from fake import surreal
from fake.oracle import score
from fake.people import body_called
from fake.run import fit_and_test
from fake.smpl_truth import smpl_joints, write_bodies
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24
from datamodules.jobs import run_jobs
from datamodules.settings import CropSettings
from datamodules.surreal import SurrealDataModule
from datamodules.surreal.clips import REFLECTION, clip_labels
from datamodules.surreal.datamodule import read_frame
from datamodules.surreal.prepare import jobs
from tests.unchecked import unchecked

SMPL = CropSettings(body="smpl", size=32)
MIDDLE = {"val/run0/03_01/03_01_c0008": 2, "val/run1/ung_122_34/ung_122_34_c0004": 1, "val/run2/06_03/06_03_c0002": 0}


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield write_bodies(tmp_path_factory.mktemp("assets"), patch, ("neutral", "male", "female"))


@pytest.fixture(scope="module")
def copy(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("surreal")
    truth = surreal.write(root)
    surreal.to_3dmppe(root, truth, "train", [("train/run0/01_01/01_01_c0001", 0), ("train/run0/01_01/01_01_c0001", 3)])
    surreal.to_3dmppe(root, truth, "val", list(MIDDLE.items())[:2])
    return root, truth


def make(root, **options):
    return unchecked(SurrealDataModule, str(root), **{"crops": SMPL, "batch_size": 2, "num_workers": 0} | options)


def differences(table, truth, rows=slice(None)):
    people = [row.person for row in truth]
    wanted = {
        "joints": np.stack([smpl_joints(person) for person in people]),
        "pose": np.stack([person.pose for person in people]),
        "betas": np.stack([person.betas for person in people]),
        "transl": np.stack([person.transl for person in people]),
        "gender": np.array([row.gender for row in truth]),
    }
    return {name: float(np.abs(getattr(table, name)[rows] - values).max()) for name, values in wanted.items()}


def agree(found):
    limits = {"joints": 1e-4, "pose": 1e-4, "betas": 1e-6, "transl": 1e-4, "gender": 0}
    assert all(found[name] <= limit for name, limit in limits.items()), found


@pytest.mark.parametrize(
    ("split", "options", "frames"),
    [
        ("test", {}, MIDDLE),
        ("val", {}, MIDDLE),
        ("test", {"clips": "i2l_meshnet"}, {k: f for k, f in zip(MIDDLE, (2, 2, 0), strict=True) if "run2" not in k}),
        ("test", {"clips": "all"}, {"test/run0/03_01/03_01_c0008": 1}),
    ],
)
def test_the_middle_frame_of_every_clip_is_tested(copy, split, options, frames):
    root, truth = copy
    table = make(root, **options).table(split)
    names = [f"data/cmu/{clip}_{frame:03d}.jpg" for clip, frame in frames.items()]
    assert [table.images[row] for row in range(len(table))] == names
    rows = [truth[clip][frame] for clip, frame in frames.items()]
    agree(differences(table, rows))
    assert table.skeleton == SMPL24
    assert table.absolute.all()
    for number, row in enumerate(rows):
        pixels = np.round(row.person.camera.project(smpl_joints(row.person)))
        np.testing.assert_allclose(table.boxes[number], [*pixels.min(0), *np.ptp(pixels, axis=0)], atol=0.05)
        assert table.sequences[number] == row.clip.rpartition("/")[2]
        assert table.cameras[number] == row.clip.split("/")[1]


def test_training_takes_every_so_many_frames(copy):
    root, truth = copy
    table = make(root, train_every=3).table("train")
    assert table.frames.tolist() == [0, 3, 6, 0]
    first, second = (clip for clip in truth if clip.startswith("train"))
    agree(differences(table, [truth[first][frame] for frame in (0, 3, 6)] + [truth[second][0]]))
    assert len(make(root).table("train")) == 2


def test_3dmppe_files_hold_the_same(copy):
    root, truth = copy
    table = make(root, layout="3dmppe").table("test")
    order = np.argsort([table.images[row] for row in range(len(table))])
    agree(differences(table, [truth[clip][frame] for clip, frame in list(MIDDLE.items())[:2]], order))
    assert table.frames[order].tolist() == [2, 1]
    assert table.sequences[int(order[1])] == "ung_122_34_c0004"
    sample = make(root, layout="3dmppe").dataset("train")[0]
    assert sample["image"].shape == (3, 32, 32)


def test_bodies_are_those_that_the_authors_script_projects():
    """An independent way: pose the raw parameters in SURREAL's world and look at them with its mirroring camera."""
    rng, body = np.random.default_rng(3), body_called("open")
    pose, zrot, place = 0.4 * rng.normal(size=(24, 3)), 1.1, np.array([6.0, -1, 0.5])
    turned = pose.copy()
    around = Rotation.from_euler("z", zrot).as_matrix() @ Rotation.from_rotvec(pose[0]).as_matrix()
    turned[0] = Rotation.from_matrix(Rotation.from_euler("x", 90, degrees=True).as_matrix() @ around).as_rotvec()
    with torch.no_grad():
        world = body(torch.tensor(turned[None]).float(), torch.zeros(1, 10), torch.tensor([[0.3, 0.2, -0.4]]))
    info = {
        "pose": pose.reshape(72, 1), "zrot": np.array([[zrot]]), "camLoc": place[:, None], "shape": np.zeros((10, 1)),
        "gender": np.zeros((1, 1), np.uint8), "joints3D": world.joints[0].numpy().T,
    }  # fmt: skip
    seen = (world.joints[0].numpy() - place) @ REFLECTION.T
    info["joints2D"] = np.round(600 * seen[:, :2] / seen[:, 2:] + (160, 120)).T
    clip = clip_labels(info, np.array([0]))
    assert clip.absolute.all()
    with torch.no_grad():
        ours = body(torch.tensor(clip.pose).float(), torch.zeros(1, 10))
    root = clip.joints[0, 0] - ours.joints[0, 0].numpy()
    seen = (world.vertices[0].numpy() - place) @ REFLECTION.T
    np.testing.assert_allclose(ours.vertices[0].numpy() + root, seen[body.mirror], atol=0.005)
    np.testing.assert_allclose(ours.joints[0].numpy() + root, clip.joints[0], atol=0.005)


def test_the_truth_scores_nothing_and_sides_matter(copy):
    root, truth = copy
    people = [truth[clip][frame].person for clip, frame in MIDDLE.items()]
    values = score(make(root), people)
    assert max(values["mpjpe"], values["pve"]) < 0.2, values
    assert values["n"] == 3
    early = [truth[clip][max(frame - 1, 0)].person for clip, frame in MIDDLE.items()]
    assert score(make(root), early)["mpjpe"] > 20


def names_kept(info):
    mirror = list(SMPL24.mirror)
    info["joints3D"] = info["joints3D"][:, mirror]


def millimetres(info):
    info["joints3D"] = 1000 * info["joints3D"]


def without_zrot(info):
    info["zrot"] = 0 * info["zrot"]


def other_genders(info):
    info["gender"] = 1 - info["gender"]


@pytest.mark.parametrize(
    ("change", "column"),
    [(names_kept, "joints"), (millimetres, "joints"), (without_zrot, "pose"),
     (other_genders, "gender")],
)  # fmt: skip
def test_wrong_files_do_not_pass_for_the_truth(assets, tmp_path, change, column):
    truth = surreal.write(tmp_path, change=change, kinds=("val",))
    found = differences(make(tmp_path).table("test"), [truth[clip][frame] for clip, frame in MIDDLE.items()])
    assert found[column] > 0.05


def test_people_are_found_again_after_the_camera_was_moved(assets, tmp_path):
    def moved(info):
        info["camLoc"] = info["camLoc"] + np.float32([[0.5], [-0.4], [0.3]])

    truth = surreal.write(tmp_path, change=moved, kinds=("val",))
    rows, table = [truth[clip][frame] for clip, frame in MIDDLE.items()], make(tmp_path).table("test")
    found = differences(table, rows)
    assert not table.absolute.any()
    assert max(found["pose"], found["betas"]) < 1e-4
    wanted = np.stack([smpl_joints(row.person) for row in rows])
    np.testing.assert_allclose(table.joints - table.joints[:, :1], wanted - wanted[:, :1], atol=1e-4)
    assert np.abs(table.joints[:, 0] / wanted[:, :1, 2] - wanted[:, 0] / wanted[:, :1, 2]).max() < 0.03
    for number, row in enumerate(rows):
        seen = row.person.camera.project(smpl_joints(row.person))
        assert np.abs(row.person.camera.project(table.joints[number]) - seen).mean() < 1


def test_frames_are_the_same_from_videos_and_as_images(copy, tmp_path):
    root, _ = copy
    table = make(root).table("test")
    for number, frame in enumerate(MIDDLE.values()):
        corner = read_frame(root / table.images[number])[2, 2].mean()
        assert abs(corner - surreal.shade(frame)) < 8
    surreal.write(tmp_path, body="open")
    work = jobs(tmp_path, train_every=3)
    outcome = run_jobs(work)
    assert not outcome.failed
    assert len(list(tmp_path.rglob("*.jpg"))) == 4 + 3
    data = SurrealDataModule(str(tmp_path), train_every=3, num_workers=0)
    for split in ("train", "test"):
        for row in range(len(data.table(split))):
            path = tmp_path / data.table(split).images[row]
            assert abs(read_frame(path)[2, 2].mean() - surreal.shade(int(data.table(split).frames[row]))) < 8
    for video in tmp_path.rglob("*.mp4"):
        video.unlink()
    assert data.dataset("test")[0]["image"].shape[0] == 3
    with pytest.raises(FileNotFoundError, match=r"neither .*_002.jpg nor .*.mp4 is there"):
        read_frame(tmp_path / "data/cmu/train/run0/01_01/01_01_c0001_002.jpg")


def test_part_maps_name_the_sides_that_are_seen(copy):
    root, truth = copy
    sample = make(root, segmentation=True).source("test")[0]
    np.testing.assert_array_equal(sample.part_labels, surreal.true_parts(truth["val/run0/03_01/03_01_c0008"][2].person))
    assert sample.part_labels.max() > 12
    assert make(root).source("test")[0].part_labels is None


def test_mistakes_are_explained(copy, tmp_path):
    root, _ = copy
    with pytest.raises(FileNotFoundError, match=r"is it the right folder.*accept the terms"):
        make(tmp_path).table("test")
    with pytest.raises(FileNotFoundError, match=r"val.json"):
        make(tmp_path, layout="3dmppe").table("test")
    with pytest.raises(ValueError, match="no layout 'spin'"):
        make(root, layout="spin")
    with pytest.raises(ValueError, match="no clips 'some'"):
        make(root, clips="some")
    with pytest.raises(ValueError, match="3 of the 507"):
        make(root).check_test_split()
    name = "data/cmu/val/run0/03_01/03_01_c0008"
    surreal.write(tmp_path, body="open", kinds=("val",))
    (tmp_path / f"{name}.mp4").write_bytes((tmp_path / f"{name}.mp4").read_bytes()[:300])
    data = SurrealDataModule(str(tmp_path), num_workers=0, segmentation=True)
    with pytest.raises(ValueError, match=r"c0008.mp4 is no video; it may be truncated"):
        data.dataset("test")[0]
    (tmp_path / f"{name}_segm.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"_segm.mat"):
        data.source("test").extra(0)
    info = tmp_path / f"{name}_info.mat"
    info.write_bytes(info.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"c0008_info.mat"):
        SurrealDataModule(str(tmp_path)).table("test")
    (tmp_path / "bodynet_val_idx").write_text("4,5\n")
    with pytest.raises(ValueError, match="bodynet_val_idx"):
        make(tmp_path, clips="i2l_meshnet").table("test")


def test_the_command_line_trains_and_tests(copy, tmp_path):
    logged = fit_and_test(
        "datamodules.surreal.SurrealDataModule", copy[0], tmp_path, SurrealDataModule.protocols[0],
        crops={"body": "smpl"}, model={"body": "smpl"}, data={"train_every": 3},
    )  # fmt: skip
    assert logged["test/n"] == 3
    assert logged["test/pve"] > 10
