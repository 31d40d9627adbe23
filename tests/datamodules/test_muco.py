"""MuCo-3DHP from a fake copy, and the inputs of I2L-MeshNet's own reader."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake import muco as fake
from fake.run import fit_and_test

from body.camera import square_box
from body.skeleton import MPI_INF_3DHP17, MUCO21
from datamodules.muco import MucoDataModule
from datamodules.readers.fits import warn_of_other_body
from datamodules.settings import CropSettings
from tests.unchecked import unchecked

GOLDEN = Path(__file__).parents[1] / "golden" / "i2l_meshnet_muco.npz"
NEAREST = (2, 4, 5)
"""Of the annotations, the nearest person of each image."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return fake.write(tmp_path_factory.mktemp("muco"))


def positions(table):
    return (table.annotation_ids - fake.FIRST_PERSON).tolist()


def test_skeleton():
    """I2L-MeshNet's notes, section 5: the 17 of MPI-INF-3DHP, then hands and toes, right before left."""
    assert MUCO21.joints[:17] == MPI_INF_3DHP17.joints
    assert MUCO21.joints[17:] == ("right_hand_mpi", "left_hand_mpi", "right_toe_mpi", "left_toe_mpi")
    pairs = {(2, 5), (3, 6), (4, 7), (8, 11), (9, 12), (10, 13), (17, 18), (19, 20)}
    assert {(i, j) for i, j in enumerate(MUCO21.mirror) if i < j} == pairs


def test_table_is_the_truth(root):
    table = MucoDataModule(str(root), people="all", boxes="annotated").table("train")
    assert positions(table) == list(range(6))
    for row, (scene, number, person) in enumerate(fake.annotated()):
        np.testing.assert_allclose(table.joints[row], person.joints(MUCO21), atol=1e-5)
        np.testing.assert_allclose(table.joints_2d[row], person.pixels(MUCO21), atol=1e-4)
        np.testing.assert_allclose(table.boxes[row], person.box, atol=1e-4)
        inner = person.camera.intrinsics
        np.testing.assert_allclose(table.intrinsics[row], inner[[0, 1, 0, 1], [0, 1, 2, 2]])
        assert (table.images[row], table.image_ids[row]) == (fake.image_name(scene), fake.FIRST_IMAGE + scene)
        assert table.smpl_valid[row] == (number != fake.WITHOUT_FIT)
        if table.smpl_valid[row]:
            for name in ("pose", "betas", "transl"):
                np.testing.assert_allclose(getattr(table, name)[row], getattr(person, name), atol=1e-6)


def test_who_is_a_sample(root):
    """The nearest; and those whom nobody stands within 50 cm of, the nearest always among them."""
    people = [person.joints(MUCO21)[14] for _, _, person in fake.annotated()]
    scenes = [scene for scene, _, _ in fake.annotated()]
    apart = set(NEAREST)
    for i, mine in enumerate(people):
        others = [o for j, o in enumerate(people) if j != i and scenes[j] == scenes[i]]
        if all(np.linalg.norm((mine - o)[:2]) >= 0.5 and np.linalg.norm(mine - o) >= 0.5 for o in others):
            apart.add(i)
    assert apart == {0, 2, 3, 4, 5}, "the fake copy has one person too near to another"
    assert positions(MucoDataModule(str(root)).table("train")) == list(NEAREST)
    assert positions(MucoDataModule(str(root), people="apart").table("train")) == sorted(apart)


def test_order_of_the_file_does_not_matter_for_who_is_chosen(root, tmp_path):
    content = json.loads((root / "MuCo-3DHP.json").read_text())
    content["annotations"] = [content["annotations"][k] for k in (3, 0, 5, 1, 4, 2)]
    (tmp_path / "MuCo-3DHP.json").write_text(json.dumps(content))
    for people, chosen in (("closest", NEAREST), ("apart", (0, 2, 3, 4, 5))):
        table = MucoDataModule(str(tmp_path), people=people, fits=False).table("train")
        assert sorted(positions(table)) == sorted(chosen)


def test_boxes_are_cut_at_the_border_and_empty_ones_counted(tmp_path):
    outside = {702: [-30.0, 10.0, 50.0, 60.0], 704: [200.0, 10.0, 20.0, 30.0]}
    folder = fake.write(tmp_path, outside)
    with pytest.warns(UserWarning, match="1 people of .*MuCo-3DHP.json.* have no box in the image"):
        table = MucoDataModule(str(folder)).table("train")
    assert positions(table) == [2, 5]
    np.testing.assert_allclose(table.boxes[0], [0, 10, 19, 59])
    with pytest.warns(UserWarning, match="no box"):
        table = MucoDataModule(str(folder), boxes="release").table("train")
    np.testing.assert_allclose(table.boxes[0], [0, 10, 49, 59])
    whole = MucoDataModule(str(folder), boxes="annotated").table("train")
    assert positions(whole) == list(NEAREST)


def test_samples_obey_the_invariant_and_show_the_person(root):
    crops = CropSettings(skeleton="muco21", size=64, augmentation=None)
    data = MucoDataModule(str(root), crops=crops).dataset("train")
    for row in range(3):
        sample = data[row]
        homogeneous = sample["joints"] @ sample["intrinsics"].T
        pixels = homogeneous[:, :2] / homogeneous[:, 2:]
        affine = sample["crop_affine"]
        torch.testing.assert_close(pixels @ affine[:, :2].T + affine[:, 2], sample["joints_2d"], atol=1e-2, rtol=0)
        assert sample["joints_valid"].all()
        x, y = sample["joints_2d"][14].round().int().tolist()
        colour = sample["image"][:, y, x]
        assert colour.max() - colour.min() > 0.3, "the pelvis is on a coloured person, not on grey ground"


def test_i2l_meshnet_reads_the_same(tmp_path):
    """What its own dataset class was given, written in the file's layout."""
    golden = np.load(GOLDEN)
    x, y, side, _ = golden["bbox_processed"]
    tight = side / 1.25
    width, height = golden["img_wh"].tolist()
    image = {"id": 1, "file_name": "augmented_set/1/0000000.jpg", "width": width, "height": height,
             "f": golden["f"].tolist(), "c": golden["c"].tolist()}  # fmt: skip
    # the released code takes one pixel off each side of a box
    box = [x + (side - tight) / 2, y + (side - tight) / 2, tight + 1, tight + 1]
    person = {"id": 9, "image_id": 1, "bbox": box, "keypoints_cam": golden["keypoints_cam"].tolist(),
              "keypoints_img": golden["keypoints_img"].tolist(), "keypoints_vis": [1] * 21}  # fmt: skip
    (tmp_path / "MuCo-3DHP.json").write_text(json.dumps({"images": [image], "annotations": [person]}))
    names = {"pose": "pose", "shape": "shape", "trans": "trans"}
    (tmp_path / "smpl_param.json").write_text(json.dumps({"9": {k: golden[v].tolist() for k, v in names.items()}}))
    table = MucoDataModule(str(tmp_path), boxes="release").table("train")
    window = square_box(torch.tensor(table.boxes[0], dtype=torch.float64)).numpy()
    np.testing.assert_allclose(window, golden["bbox_processed"], rtol=1e-6)
    np.testing.assert_allclose(1000 * table.joints[0].astype(np.float64), golden["keypoints_cam"], rtol=1e-6)
    np.testing.assert_allclose(table.joints_2d[0], golden["keypoints_img"], rtol=1e-6)
    np.testing.assert_allclose(table.intrinsics[0], [*golden["f"], *golden["c"]], rtol=1e-6)
    np.testing.assert_allclose(table.pose[0].ravel(), golden["pose"], rtol=1e-6)
    np.testing.assert_allclose(table.betas[0], golden["shape"], rtol=1e-6)
    np.testing.assert_allclose(table.transl[0], golden["trans"], rtol=1e-6)


def test_errors(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no MuCo-3DHP\.json: is it the right folder\? MuCo-3DHP: accept"):
        MucoDataModule(str(tmp_path)).table("train")
    text = (root / "MuCo-3DHP.json").read_text()
    (tmp_path / "MuCo-3DHP.json").write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match=r"MuCo-3DHP\.json is not whole JSON"):
        MucoDataModule(str(tmp_path)).table("train")
    (tmp_path / "MuCo-3DHP.json").write_text(text.replace('"keypoints_cam"', '"keypoints"'))
    with pytest.raises(ValueError, match="has no 'keypoints_cam'"):
        MucoDataModule(str(tmp_path)).table("train")
    (tmp_path / "MuCo-3DHP.json").write_text(text)
    with pytest.raises(FileNotFoundError, match=r"has no smpl_param\.json"):
        MucoDataModule(str(tmp_path)).table("train")
    absent = MucoDataModule(str(tmp_path), fits=False)
    with pytest.raises(FileNotFoundError, match=r"augmented_set/1/0000000\.jpg is not there, though an annotation"):
        absent.dataset("train")[0]
    with pytest.raises(ValueError, match="muco has no test split"):
        absent.table("test")
    with pytest.raises(ValueError, match="muco has no protocol"):
        MucoDataModule(protocol="open-v1")
    with pytest.raises(ValueError, match=r"no people .*use one of closest, apart, all"):
        unchecked(MucoDataModule, people="nearest")


def test_command_line(root, tmp_path):
    crops = {"same_joints": "by_name"}
    logged = fit_and_test("datamodules.muco.MucoDataModule", root, tmp_path, test=False, crops=crops)
    assert logged["train/loss"] > 0


@pytest.mark.parametrize(
    ("body", "fitted", "warned"), [("open", True, True), ("open", False, False), ("smpl", True, False)]
)
def test_fits_of_smpl_on_the_open_body_are_warned_of(root, body, fitted, warned):
    """The open body's root rests at the origin, SMPL's 0.2 m below: the same translation is another place."""
    table = replace(MucoDataModule(str(root)).table("train"), smpl_valid=np.full(len(NEAREST), fitted))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_other_body(table, body)
    assert [("0.2 m away; set the model's body to smpl" in str(one.message)) for one in caught] == [True] * warned
