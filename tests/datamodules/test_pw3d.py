"""3DPW, in its authors' files and in Moon's."""

from dataclasses import replace

import numpy as np
import pytest
from fake import pw3d
from fake.oracle import score
from fake.run import fit_and_test
from fake.smpl_truth import smpl_joints, write_bodies

from body.skeleton import SMPL24
from datamodules.mixed import MixedDataModule
from datamodules.pw3d import Pw3dDataModule
from datamodules.settings import CropSettings
from tests.unchecked import unchecked

SMPL = CropSettings(body="smpl", size=32)


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield write_bodies(tmp_path_factory.mktemp("assets"), patch, ("neutral", "male", "female"))


@pytest.fixture(scope="module")
def copy(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("3dpw")
    truth = pw3d.write(root)
    for split, rows in truth.items():
        pw3d.to_3dmppe(root, rows, split)
    pw3d.to_spin(root, truth["test"])
    return root, truth


def make(root, **options):
    return unchecked(Pw3dDataModule, str(root), **{"crops": SMPL, "batch_size": 3, "num_workers": 0} | options)


def rows_of(table):
    order = np.lexsort((table.frames, table.subjects.codes, [table.sequences[i] for i in range(len(table))]))
    return [int(row) for row in order]


def differences(table, truth):
    """Largest difference of every column from the truth."""
    rows = rows_of(table)
    people = [row.person for row in truth]
    camera = people[0].camera
    wanted = {
        "joints": np.stack([smpl_joints(person) for person in people]),
        "pose": np.stack([person.pose for person in people]),
        "betas": np.stack([person.betas for person in people]),
        "transl": np.stack([person.transl for person in people]),
        "gender": np.array([row.gender for row in truth]),
        "frames": np.array([row.frame for row in truth]),
    }
    assert camera.size == pw3d.SIZE
    return {name: float(np.abs(getattr(table, name)[rows] - values).max()) for name, values in wanted.items()}


@pytest.mark.parametrize("layout", ["raw", "3dmppe"])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_tables_hold_the_truth_in_the_camera_frame(copy, layout, split):
    root, truth = copy
    truth = truth[{"val": "validation"}.get(split, split)]
    table = make(root, layout=layout).table(split)
    assert len(table) == len(truth)
    assert table.skeleton == SMPL24
    limits = {"joints": 1e-5, "pose": 1e-5, "betas": 1e-6, "transl": 1e-5, "gender": 0, "frames": 0}
    found = differences(table, truth)
    assert all(found[name] <= limit for name, limit in limits.items()), found
    for row, wanted in zip(rows_of(table), truth, strict=True):
        assert table.images[row] == f"imageFiles/{wanted.sequence}/image_{wanted.frame:05d}.jpg"
        assert (root / table.images[row]).is_file()
        assert (table.sequences[row], table.subjects[row]) == (wanted.sequence, str(wanted.actor))
        camera = wanted.person.camera.intrinsics
        np.testing.assert_allclose(table.intrinsics[row], camera[[0, 1, 0, 1], [0, 1, 2, 2]])
        seen = wanted.keypoints if layout == "raw" else None
        pixels = wanted.person.camera.project(smpl_joints(wanted.person)) if seen is None else seen
        box = np.concatenate([pixels.min(0), np.ptp(pixels, axis=0)])
        np.testing.assert_allclose(table.boxes[row], box, atol=1e-3)


@pytest.mark.parametrize("protocol", Pw3dDataModule.protocols)
@pytest.mark.parametrize("layout", ["raw", "3dmppe"])
def test_the_truth_scores_nothing_under_its_own_gender_only(copy, protocol, layout):
    root, truth = copy
    datamodule = make(root, protocol=protocol, layout=layout)
    rows = rows_of(datamodule.table("test"))
    people = [truth["test"][rows.index(i)].person for i in range(len(rows))]
    own = people if "gendered" in protocol else [replace(person, body="smpl") for person in people]
    values = score(datamodule, own)
    assert max(values["mpjpe"], values["pve"], values["pa_mpjpe"]) < 0.01, values
    assert values["n"] == 6
    other = [replace(person, body="smpl") for person in people] if "gendered" in protocol else people
    assert score(datamodule, other)["pve"] > 5


@pytest.mark.parametrize("protocol", Pw3dDataModule.protocols)
def test_spin_files_score_without_knowing_where_people_stand(copy, protocol):
    root, truth = copy
    datamodule = make(root, protocol=protocol, layout="spin")
    table = datamodule.table("test")
    assert table.sequences[0] == truth["test"][0].sequence
    assert table.frames.tolist() == [row.frame for row in truth["test"]]
    assert not table.absolute.any()
    for number, row in enumerate(truth["test"]):
        if row.keypoints is not None:
            side = np.ptp(row.keypoints, axis=0).max()
            np.testing.assert_allclose(table.boxes[number][2:], side, rtol=1e-4)
    people = [row.person for row in truth["test"]]
    own = people if "gendered" in protocol else [replace(person, body="smpl") for person in people]
    values = score(datamodule, own)
    assert max(values["mpjpe"], values["pve"], values["pa_mpjpe"]) < 0.05, values
    with pytest.raises(ValueError, match="no file of 3DPW's train split"):
        datamodule.table("train")


def millimetres(content):
    content["jointPositions"] = [1000 * joints for joints in content["jointPositions"]]


def inverse_cameras(content):
    content["cam_poses"] = np.linalg.inv(content["cam_poses"])


def swapped_sides(content):
    content["jointPositions"] = [
        joints.reshape(-1, 24, 3)[:, list(SMPL24.mirror)].reshape(-1, 72) for joints in content["jointPositions"]
    ]


def late_cameras(content):
    content["cam_poses"] = np.roll(content["cam_poses"], 1, 0)


def other_genders(content):
    content["genders"] = ["f" if gender == "m" else "m" for gender in content["genders"]]


def column_order(content):
    content["jointPositions"] = [
        joints.reshape(-1, 24, 3).transpose(0, 2, 1).reshape(-1, 72) for joints in content["jointPositions"]
    ]


@pytest.mark.parametrize(
    "change", [millimetres, inverse_cameras, swapped_sides, late_cameras, other_genders, column_order]
)
def test_wrong_files_do_not_pass_for_the_truth(assets, tmp_path, change):
    truth = pw3d.write(tmp_path, change=change)["test"]
    found = differences(make(tmp_path).table("test"), truth)
    assert found["gender"] == 1 if change is other_genders else found["joints"] > 0.05, found


def test_training_keeps_every_so_many_frames(copy):
    assert make(copy[0], train_every=2).table("train").frames.tolist() == [0, 2]
    assert make(copy[0]).table("train").frames.tolist() == [0, 1, 2, 3, 5]


def test_the_open_body_has_no_genders(copy):
    datamodule = make(copy[0], crops=CropSettings(size=32))
    batch = datamodule.on_after_batch_transfer(next(iter(datamodule.test_dataloader())), 0)
    assert batch["vertices"].shape[1] != 6890
    assert set(batch["gender"]) == {"neutral"}  # what the vertices were decoded with


@pytest.mark.parametrize("layout", ["raw", "3dmppe"])
def test_damage_is_explained(copy, tmp_path, layout):
    with pytest.raises(FileNotFoundError, match=r"is it the right folder.*accept the licence"):
        make(tmp_path, layout=layout).table("test")
    name = "sequenceFiles/test/downtown_arguing_00.pkl" if layout == "raw" else "3DPW_test.json"
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((copy[0] / name).read_bytes()[:-200])
    with pytest.raises(ValueError, match=path.name):
        make(tmp_path, layout=layout).table("test")


def test_other_mistakes_are_explained(copy, tmp_path):
    with pytest.raises(ValueError, match="no layout "):
        make(copy[0], layout="own")
    with pytest.raises(ValueError, match="no protocol 'open-v1'"):
        make(copy[0], protocol="open-v1")
    with pytest.raises(ValueError, match="6 of the 35515"):
        make(copy[0]).check_test_split()
    (tmp_path / "sequenceFiles" / "test").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"no .pkl"):
        make(tmp_path).table("test")
    pw3d.write(tmp_path)
    (tmp_path / "imageFiles/downtown_arguing_00/image_00000.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"image_00000.jpg is not there"):
        make(tmp_path).dataset("test")[0]


def test_the_command_line_trains_and_tests(copy, tmp_path):
    network = {"body": "smpl", "skeleton": "smpl29"}
    logged = fit_and_test(
        "datamodules.pw3d.Pw3dDataModule", copy[0], tmp_path, Pw3dDataModule.protocols[0], crops={"body": "smpl"},
        model=network,
    )  # fmt: skip
    assert logged["test/n"] == 6
    assert logged["test/mpjpe"] > 10


@pytest.mark.parametrize("protocol", ["3dpw-test-14j-gendered", "3dpw-test-14j-neutral"])
@pytest.mark.parametrize("layout", ["raw", "3dmppe"])
def test_perfect_predictions_are_right_in_a_mix_too(copy, layout, protocol):
    """Parts come with default crops (the open body); the mix decides the body, each part whether it has genders."""
    root, truth = copy
    alone = Pw3dDataModule(str(root), layout=layout, protocol=protocol)
    other = Pw3dDataModule(str(root), protocol="3dpw-test-14j-neutral")
    mix = MixedDataModule([other, alone], evaluated=alone, crops=SMPL, batch_size=3, num_workers=0)
    rows = rows_of(alone.table("test"))
    people = [row.person for row in truth["test"]]
    people = people if "gendered" in protocol else [replace(person, body="smpl") for person in people]
    ordered = [people[rows.index(row)] for row in range(len(rows))]
    found = score(mix, ordered)
    assert found["mpjpe"] < 0.02
    assert found["pve"] < 0.02
    genders = [{part[row]["gender"] for row in range(len(part))} for part in mix.mix().datasets]
    assert genders[0] == {"neutral"}
    assert genders[1] == ({"male"} if "gendered" in protocol else {"neutral"})  # nobody else in the training split
