"""MPI-INF-3DHP from a fake copy: the table is the truth, and mistakes in reading it would show."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
from fake import mpi_inf_3dhp as fake
from fake.assets import write_smpl
from fake.oracle import prediction_of
from fake.run import fit_and_test
from scipy.io import loadmat, savemat

from body.skeleton import MPI_INF_3DHP17, MPI_INF_3DHP28, SPIN24_MPI
from datamodules.images import read_image
from datamodules.jobs import run_jobs
from datamodules.mpi_inf_3dhp import MpiInf3dhpDataModule
from datamodules.mpi_inf_3dhp.prepare import jobs
from datamodules.mpi_inf_3dhp.testset import ACTIVITIES
from datamodules.settings import CropSettings
from metrics import build_task, groups, overall
from tests.unchecked import unchecked
from zoo.cli import main

PROTOCOL = "mpi-inf-3dhp-test"
CROPS = CropSettings(skeleton="mpi_inf_3dhp17", size=32)
TRAIN = {"subjects": (1, 2), "cameras": (0, 1), "every": 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = fake.write_test(fake.write_train(tmp_path_factory.mktemp("mpi_inf_3dhp")))
    assert main(["data", "prepare", "mpi_inf_3dhp", "--root", str(folder), "--workers", "1", "--option", "every=3",
                 "--option", "cameras=[0, 1]"]) == 0  # fmt: skip
    return folder


@pytest.fixture
def copy(root, tmp_path):
    """A copy whose files may be changed."""
    shutil.copytree(root, tmp_path / "copy")
    return tmp_path / "copy"


def module(root, **options):
    return MpiInf3dhpDataModule(str(root), num_workers=0, **options)


def test_training_joints_cameras_and_boxes(root):
    table = module(root, **TRAIN, drop_outside=False).table("train")
    assert table.skeleton is MPI_INF_3DHP28
    assert len(table) == 2 * 2 * 2 * fake.FRAMES
    rows = [(s, q, c, f) for s in (1, 2) for q in (1, 2) for c in (0, 1) for f in range(fake.FRAMES)]
    for row in range(0, len(table), 7):
        subject, sequence, camera, frame = rows[row]
        person = fake.train_people(subject, sequence, camera)[frame]
        np.testing.assert_allclose(table.joints[row], person.joints(MPI_INF_3DHP28), atol=1e-5)
        inner = person.camera.intrinsics
        np.testing.assert_allclose(table.intrinsics[row], inner[[0, 1, 0, 1], [0, 1, 2, 2]], rtol=1e-7)
        folder = f"S{subject}/Seq{sequence}"
        assert table.images[row] == f"{folder}/imageFrames/video_{camera}/frame_{frame + 1:06d}.jpg"
        assert (table.subjects[row], table.sequences[row], table.cameras[row]) == (f"S{subject}", folder, str(camera))
        assert table.frames[row] == frame + 1
        if row >= 10:  # the first video has joints that were moved out of the image
            pixels = person.pixels(MPI_INF_3DHP28)
            np.testing.assert_allclose(table.joints_2d[row], pixels, atol=1e-4)
            relevant = person.pixels(MPI_INF_3DHP17)
            box = np.concatenate([relevant.min(0), np.ptp(relevant, axis=0)])
            np.testing.assert_allclose(table.boxes[row], box, atol=1e-4)
    scaled = module(root, **TRAIN, drop_outside=False, pose="univ_annot3").table("train")
    np.testing.assert_allclose(scaled.joints, fake.UNIVERSAL * table.joints, atol=1e-6)


def test_frames_outside_are_dropped_before_every_third_is_kept(root):
    """SPIN's rule, by a loop: only the 17 joints decide, and the count goes on from video to video."""
    counter, expected = 0, []
    for subject in (1, 2):
        for sequence in (1, 2):
            for camera in (0, 1):
                for frame in range(fake.FRAMES):
                    if (subject, sequence, camera, frame) == (1, 1, 0, fake.OUTSIDE):
                        continue
                    counter += 1
                    if counter % 3 == 1:
                        expected.append(
                            f"S{subject}/Seq{sequence}/imageFrames/video_{camera}/frame_{frame + 1:06d}.jpg"
                        )
    table = module(root, **TRAIN | {"every": 3}).table("train")
    assert [table.images[row] for row in range(len(table))] == expected
    assert expected[0].endswith("frame_000001.jpg")


def test_prepared_images_are_the_annotated_frames(root):
    """The person's colour is where the annotation says; the frame before or after shows another person."""
    table = module(root, **TRAIN | {"every": 3}).table("train")
    for row in range(len(table)):
        folder, frame = table.sequences[row], int(table.frames[row]) - 1
        person = fake.train_people(int(folder[1]), int(folder[-1]), int(table.cameras[row]))[frame]
        shown = read_image(root / table.images[row]).astype(float)
        drawn = fake.make_image([person]).astype(float)
        assert np.abs(shown - drawn).mean() < 8
    here = sorted((root / "S1/Seq1/imageFrames").rglob("*.jpg"))
    stamps = [path.stat().st_mtime_ns for path in here]
    here[0].unlink()
    outcome = run_jobs(jobs(root, (1, 2), (0, 1), 3))
    assert (outcome.done, outcome.skipped, outcome.failed) == (1, 7, {})
    assert [path.stat().st_mtime_ns for path in here[1:]] == stamps[1:]


def test_a_missing_or_short_video_is_reported(copy):
    (copy / "S1/Seq1/imageSequence/video_0.avi").unlink()
    video = copy / "S2/Seq2/imageSequence/video_1.avi"
    shutil.rmtree(copy / "S1/Seq1/imageFrames")
    shutil.rmtree(copy / "S2/Seq2/imageFrames")
    fake.write_video(video, [np.zeros((96, 96, 3), np.uint8)] * 2)
    outcome = run_jobs(jobs(copy, (1, 2), (0, 1), 3))
    assert "no video" in outcome.failed["S1/Seq1/imageSequence/video_0.avi"]
    assert "ends after 2 frames" in outcome.failed["S2/Seq2/imageSequence/video_1.avi"]
    assert (outcome.done, outcome.skipped) == (2, 4)


def test_test_set(root):
    table = module(root).table("test")
    assert table.skeleton is MPI_INF_3DHP17
    valid = [frame for frame in range(fake.TEST_FRAMES) if frame != fake.INVALID]
    assert len(table) == 6 * len(valid)
    for row in range(len(table)):
        name, frame = f"TS{1 + row // len(valid)}", valid[row % len(valid)]
        person = fake.test_people(name)[frame]
        np.testing.assert_allclose(table.joints[row], fake.UNIVERSAL * person.joints(MPI_INF_3DHP17), atol=1e-5)
        image = f"mpi_inf_3dhp_test_set/{name}/imageSequence/img_{frame + 1:06d}.jpg"
        assert (table.sequences[row], table.images[row], table.frames[row]) == (name, image, frame + 1)
        assert table.actions[row] == ACTIVITIES[(frame + int(name[2:])) % 7]
        if name != "TS5":
            np.testing.assert_allclose(table.joints_2d[row], person.pixels(MPI_INF_3DHP17), atol=1e-4)
            inner = person.camera.intrinsics
            np.testing.assert_allclose(table.intrinsics[row], inner[[0, 1, 0, 1], [0, 1, 2, 2]], rtol=1e-6)
        drawn = fake.make_image([person]).astype(float)
        assert np.abs(read_image(root / image).astype(float) - drawn).mean() < 8
    inside = module(root, test_drop_outside=True).table("test")
    assert len(inside) == len(table) - 1
    assert not any(
        (inside.sequences[row], inside.frames[row]) == ("TS5", fake.OUTSIDE + 1) for row in range(len(inside))
    )


def scored(datamodule, change=lambda joints: joints):
    """What the truth of the fake copy, changed, scores as a prediction, with all breakdowns."""
    task = build_task(PROTOCOL, datamodule.skeleton)
    for batch in datamodule.test_dataloader():
        names = zip(batch["sequence"], batch["frame"].tolist(), strict=True)
        truth = prediction_of([fake.test_people(name)[frame - 1] for name, frame in names], "mpi_inf_3dhp17")
        task.update(replace(truth, joints=change(fake.UNIVERSAL * truth.joints), vertices=None), batch)
    return task.compute()


@pytest.fixture
def small(tmp_path, monkeypatch):
    write_smpl(tmp_path / "assets", monkeypatch)


def swapped(joints):
    return joints[:, list(MPI_INF_3DHP17.mirror)]


def test_the_truth_scores_perfectly_and_mistakes_do_not(root, small):
    crops = {"crops": CROPS}
    report = scored(module(root, **crops))
    assert overall(report) == pytest.approx({"mpjpe": 0, "pck3d": 100, "auc": 3000 / 31, "n": 18}, abs=1e-2)
    names = groups(report, "setting")
    assert {name: row["n"] for name, row in names.items()} == {
        "studio, green screen": 6, "studio, no green screen": 6, "outdoor": 6
    }  # fmt: skip
    assert {name: row["n"] for name, row in groups(report, "sequence").items()} == {f"TS{k}": 3 for k in range(1, 7)}
    assert sum(row["n"] for row in groups(report, "action").values()) == 18
    for change, least in (
        (swapped, 100),
        (lambda joints: joints / fake.UNIVERSAL, 10),  # annot3 in place of univ_annot3
        (lambda joints: joints * 1000, 1e5),
        (lambda joints: joints[..., [1, 0, 2]], 100),
        (lambda joints: joints.roll(1, 1), 50),
    ):
        assert scored(module(root, **crops), change)["mpjpe"] > least
    moved = scored(module(root, **crops), lambda joints: joints + 1.0)
    assert moved["mpjpe"] == pytest.approx(0, abs=1e-2), "the root is the pelvis"


@pytest.mark.parametrize("mistake", ["one-based rows", "metres", "axes"])
def test_mistakes_in_the_file_show(copy, small, mistake):
    with h5py.File(copy / "mpi_inf_3dhp_test_set/TS2/annot_data.mat", "r+") as file:
        for name in (
            ("univ_annot3", "annot3", "annot2", "valid_frame") if mistake == "one-based rows" else ("univ_annot3",)
        ):
            values = file[name][...]
            if mistake == "metres":
                values /= 1000
            else:
                values = np.roll(values, 1, 0) if mistake == "one-based rows" else values[..., [1, 0, 2]]
            file[name][...] = values
    report = scored(module(copy, crops=CROPS))
    cells = groups(report, "sequence")
    assert cells["TS2"]["mpjpe"] > 30
    assert cells["TS1"]["mpjpe"] < 1e-2


def relative(joints):
    return joints - joints[:, [14]]


def test_spin_layout(root, small, tmp_path):
    """SPIN's files hold the same people; joints relative to the root, without depth."""
    train, test = fake.write_spin(root)
    datamodule = module(root, layout="spin", crops=CROPS)
    for split, people in (("train", train), ("test", test)):
        table = datamodule.table(split)
        assert table.skeleton is SPIN24_MPI
        assert len(table) == len(people)
        picked = SPIN24_MPI.positions_of(MPI_INF_3DHP17)
        assert min(picked) >= 0
        assert not table.absolute.any()
        for row, (name, person, size) in enumerate(people):
            assert table.images[row] == name
            joints = size * person.joints(MPI_INF_3DHP17)[None]
            np.testing.assert_allclose(relative(table.joints[[row]][:, picked]), relative(joints), atol=1e-5)
            np.testing.assert_allclose(table.joints_2d[row][picked], person.pixels(MPI_INF_3DHP17), atol=1e-3)
    table = datamodule.table("train")
    assert table.smpl_valid.tolist() == [bool(row % 2) for row in range(len(table))]
    assert (table.subjects[20], table.sequences[20], table.cameras[20]) == ("S2", "S2/Seq1", "1")
    assert [table.frames[row] for row in range(4)] == [1, 4, 7, 10]
    tests = datamodule.table("test")
    assert [tests.sequences[row] for row in (0, 3, 17)] == ["TS1", "TS2", "TS6"]
    report = scored(datamodule)
    assert report["mpjpe"] == pytest.approx(0, abs=1e-2)
    assert scored(datamodule, swapped)["mpjpe"] > 100
    np.savez(root / "fits.npz", pose=np.full((len(train), 72), 0.1), betas=np.zeros((len(train), 10)),
             valid_fit=np.ones(len(train), bool))  # fmt: skip
    fitted = module(root, layout="spin", fits="fits.npz").table("train")
    assert fitted.smpl_valid.all()
    assert fitted.pose[3] == pytest.approx(np.full((24, 3), 0.1))


def damage_mat(folder):
    path = folder / "S1/Seq2/annot.mat"
    path.write_bytes(path.read_bytes()[:3000])


def damage_cells(folder):
    path = folder / "S2/Seq1/annot.mat"
    content = loadmat(path)
    cells = {name: content[name] for name in ("annot2", "annot3", "univ_annot3")}
    cells["annot3"][1, 0] = cells["annot3"][1, 0][:, :51]
    savemat(path, cells)


def damage_calibration(folder):
    path = folder / "S1/Seq1/camera.calibration"
    path.write_text(path.read_text()[:300])


def damage_test(folder):
    path = folder / "mpi_inf_3dhp_test_set/TS3/annot_data.mat"
    path.write_bytes(path.read_bytes()[:2000])


def strip_test(folder):
    with h5py.File(folder / "mpi_inf_3dhp_test_set/TS4/annot_data.mat", "r+") as file:
        del file["univ_annot3"]


@pytest.mark.parametrize(
    ("damage", "split", "message"),
    [
        (damage_mat, "train", r"S1/Seq2/annot\.mat is no whole MATLAB file"),
        (damage_cells, "train", r"S2/Seq1/annot\.mat has no cell of 28 x 3 numbers per frame for camera 1"),
        (damage_calibration, "train", r"camera\.calibration"),
        (damage_test, "test", r"TS3/annot_data\.mat is no whole HDF5 file"),
        (strip_test, "test", r"TS4/annot_data\.mat has no univ_annot3"),
    ],
)
def test_damaged_files_are_named(copy, damage, split, message):
    damage(copy)
    with pytest.raises(ValueError, match=message):
        module(copy, **TRAIN).table(split)


def test_missing_files_are_named(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"S3/Seq1/annot\.mat.*right folder.*accept the terms"):
        module(root).table("train")
    with pytest.raises(FileNotFoundError, match=r"mpi_inf_3dhp_test_set/TS1/annot_data\.mat"):
        module(tmp_path).table("test")
    absent = module(root, **TRAIN)
    absent.setup("fit")
    with pytest.raises(FileNotFoundError, match=r"imageFrames/video_0/frame_000002\.jpg.*an annotation names it"):
        absent.dataset("train")[1]


def test_settings_are_checked():
    for wrong, message in (
        ({"layout": "3dmppe"}, "no layout .*use one of raw, spin"),
        ({"cameras": (3, 14)}, "cameras: use 0, 1"),
        ({"subjects": ()}, "not none"),
        ({"every": 0}, "every: 1 or more"),
        ({"pose": "annot2"}, "no pose .*use one of annot3"),
        ({"protocol": "open-v1"}, "has no protocol"),
    ):
        with pytest.raises(ValueError, match=message):
            unchecked(MpiInf3dhpDataModule, **wrong)


def test_the_whole_test_split_is_asked_for(root):
    with pytest.raises(ValueError, match="has 18 of the 2929 samples"):
        module(root).check_test_split()


def test_command_line(root, tmp_path, monkeypatch):
    write_smpl(tmp_path / "assets", monkeypatch)
    options = {"subjects": [1, 2], "cameras": [0, 1], "every": 3}
    body = {"body": "smpl"}
    logged = fit_and_test(
        "datamodules.mpi_inf_3dhp.MpiInf3dhpDataModule", root, tmp_path, PROTOCOL, data=options, model=body, crops=body
    )
    assert logged["test/n"] == 18
    assert logged["train/loss"] > 0
    assert 0 <= logged["test/pck3d"] <= 100
