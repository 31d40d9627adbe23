"""SPIN's files and fits, written from posed people, give them back up to what the files do not know."""

import json

import numpy as np
import pytest
import torch
from fake.people import body_called, make_camera, make_image, make_people, write_image

from body.skeleton import COCO17, SPIN24, SPIN24_COCO, SPIN24_H36M, SPIN24_MPI, SPIN24_MPII, get_skeleton
from datamodules.annotations import AnnotatedSource, Annotations
from datamodules.augment import NO_CHANGE
from datamodules.base import rest_root
from datamodules.columns import StringColumn
from datamodules.crop import make_crop
from datamodules.readers.fits import with_smplifyx_fits, with_spin_fits
from datamodules.readers.spin import read_spin
from datamodules.settings import CropSettings

PEOPLE = make_people(3, make_camera((160, 120), field_of_view=20.0))
CAMERA = PEOPLE[0].camera.intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]]


SLOTS = [14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6]


def arrays(people=PEOPLE, skeleton=SPIN24):
    """The arrays of a SPIN file: single-precision, joints relative to the root, a slot that is not annotated."""
    joints = np.stack([person.joints(skeleton) for person in people])
    pixels = np.stack([person.pixels(skeleton) for person in people])
    boxes = np.stack([person.box for person in people])
    confidence = np.ones((len(people), 24, 1))
    confidence[:, 13] = 0
    return {
        "imgname": np.array([f"s/{number:03d}.png" for number in range(len(people))]),
        "center": boxes[:, :2] + boxes[:, 2:] / 2,
        "scale": 1.2 * boxes[:, 2:].max(1) / 200,
        "part": np.concatenate([pixels * confidence, confidence], -1),
        "S": np.concatenate([joints - joints[:, [skeleton.root_index]], confidence], -1).astype(np.float32),
        "pose": np.stack([person.pose.reshape(72) for person in people]),
        "shape": np.stack([person.betas for person in people]),
        "has_smpl": np.array([1, 0, 1]),
        "gender": np.array(["m", "f", "f"]),
    }


@pytest.fixture
def write(tmp_path):
    def file(**changes):
        made = {name: value for name, value in {**arrays(), **changes}.items() if value is not None}
        np.savez(tmp_path / "a.npz", **made)
        return tmp_path / "a.npz"

    return file


def roots(table):
    """Root joints of the bodies, from the body model's own chain."""
    with torch.no_grad():
        parameters = (torch.tensor(getattr(table, name)) for name in ("pose", "betas", "transl"))
        return body_called("open")(*parameters).joints[:, 0].numpy()


def test_people_come_back(write, tmp_path):
    write_image(tmp_path / "images" / "s" / "000.png", make_image(PEOPLE))
    cameras = np.tile(CAMERA, (3, 1))
    table = read_spin(write(), tmp_path, intrinsics=cameras, body=body_called("open"))
    assert [table.images[row] for row in range(3)] == [f"images/s/{row:03d}.png" for row in range(3)]
    truth = np.stack([person.joints(SPIN24) for person in PEOPLE])
    valid = np.arange(24) != 13
    np.testing.assert_array_equal(table.joints_valid, np.tile(valid, (3, 1)))
    np.testing.assert_allclose(table.joints[:, valid], truth[:, valid], atol=2e-4)  # the camera is known, so all is
    np.testing.assert_allclose(table.joints_2d[:, valid], np.stack([p.pixels(SPIN24) for p in PEOPLE])[:, valid], 1e-5)
    assert (table.joints[:, 13] == 0).all()
    assert (table.joints_2d[:, 13] == 0).all()
    assert table.smpl_valid.tolist() == [True, False, True]
    assert table.gender.tolist() == [1, 2, 2]
    np.testing.assert_allclose(table.pose[2].ravel(), PEOPLE[2].pose.ravel(), atol=1e-6)
    assert (table.pose[1] == 0).all()
    np.testing.assert_allclose(roots(table)[[0, 2]], table.joints[[0, 2], SPIN24.root_index], atol=1e-4)
    boxes = np.stack([person.box for person in PEOPLE])
    np.testing.assert_allclose(table.boxes[:, 2:], np.tile(boxes[:, 2:].max(1)[:, None], 2), rtol=1e-6)
    np.testing.assert_allclose(table.boxes[:, :2] + table.boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2, rtol=1e-6)


def test_a_crop_meets_its_pixels_and_teaches_no_depth(write, tmp_path):
    write_image(tmp_path / "s" / "000.png", make_image(PEOPLE))
    table = read_spin(write(), tmp_path)  # no camera: weak perspective
    crop_settings = CropSettings(skeleton="spin24", size=64, margin=1.2)
    row = make_crop(AnnotatedSource(table, tmp_path)[0], crop_settings, NO_CHANGE, rest_root(body_called("open")))
    assert not row["root_depth_valid"]
    assert row["joints_valid"].sum() == 23
    assert 40 < row["root_depth"] < 50  # as far away as a long lens needs
    scale = 64 / (200 * arrays()["scale"][0])
    pixels = (PEOPLE[0].pixels(SPIN24) - arrays()["center"][0]) * scale + 32  # SPIN's crop: centre to centre
    valid = row["joints_2d_valid"].numpy()
    np.testing.assert_allclose(row["joints_2d"].numpy()[valid], pixels[valid], atol=1e-3)
    relative = (row["joints"] - row["joints"][SPIN24.root_index]).numpy()
    np.testing.assert_allclose(relative[valid], arrays()["S"][0, valid, :3], atol=1e-4)
    seen = row["joints"] @ row["intrinsics"].T
    seen = (seen[:, :2] / seen[:, 2:]).numpy()[valid] * scale + row["crop_affine"][:, 2].numpy()
    assert np.abs(seen - pixels[valid]).max() < 3  # a weak-perspective camera is about right


@pytest.mark.parametrize(
    ("skeleton", "source", "slots", "places"),
    [
        # SPIN's scripts: slots that are filled, and the joints of the benchmark that they are filled with
        (SPIN24_H36M, "h36m17", SLOTS, [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
        (SPIN24_MPI, "mpi_inf_3dhp28", SLOTS, [4, 18, 19, 20, 23, 24, 25, 3, 5, 6, 7, 9, 10, 11, 14, 15, 16]),
        (SPIN24_MPI, "mpi_inf_3dhp17", SLOTS, [14, 11, 12, 13, 8, 9, 10, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]),
        (SPIN24_MPII, "mpii16", [0, 1, 2, 3, 4, 5, 14, 15, 12, 13, 6, 7, 8, 9, 10, 11], range(16)),
        (SPIN24_COCO, "coco17", [19, 20, 21, 22, 23, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0], range(17)),
        (SPIN24, "lsp14", range(14), range(14)),
    ],
)
def test_slots_are_the_places_that_fill_them(skeleton, source, slots, places):
    joints = get_skeleton(source).joints
    assert [skeleton.joints[slot] for slot in slots] == [joints[place] for place in places]


def test_files_without_labels(write, tmp_path):
    table = read_spin(write(part=None, S=None, has_smpl=None), tmp_path, body=body_called("open"))
    assert table.joints is None
    assert not table.joints_2d_valid.any()
    assert table.smpl_valid.all()
    there = roots(table)
    pixels = there[:, :2] / there[:, 2:] * table.intrinsics[:, :2] + table.intrinsics[:, 2:]
    np.testing.assert_allclose(pixels, arrays()["center"], atol=0.05)
    assert read_spin(write(pose=None, shape=None), tmp_path).pose is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"center": None}, "no center"),
        ({"S": np.zeros((2, 24, 4))}, r"arrays of other shapes: \{'S': \(2, 24, 4\)\}"),
        ({"pose": np.zeros((3, 24, 3))}, "arrays of other shapes"),
        ({"imgname": np.array([{}, {}, {}], object)}, "cannot be read as arrays"),
    ],
)
def test_wrong_files_are_explained(write, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_spin(write(**changes), tmp_path)


def test_damaged_and_missing_files_are_explained(write, tmp_path):
    path = write(dp_annot=np.array([{"dp_x": 1}], object))
    read_spin(path, tmp_path)  # pickled objects are not touched
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match=r"a\.npz cannot be read"):
        read_spin(path, tmp_path)
    with pytest.raises(FileNotFoundError, match="fetch_data"):
        read_spin(tmp_path / "none.npz", tmp_path)


def plain_table(ids=(7, 5, 9)):
    pixels = np.stack([person.pixels(COCO17) for person in PEOPLE]).astype(np.float32)
    return Annotations(
        skeleton=COCO17,
        images=StringColumn.of(["a.png"] * 3),
        intrinsics=np.tile(CAMERA, (3, 1)),
        boxes=np.stack([person.box for person in PEOPLE]).astype(np.float32),
        joints_2d=pixels,
        joints_2d_valid=np.ones((3, 17), bool),
        annotation_ids=np.array(ids),
    )


@pytest.mark.parametrize("kind", ["static", "final"])
def test_spin_fits_stand_where_the_keypoints_are(tmp_path, kind):
    pose, betas = arrays()["pose"], arrays()["shape"]
    path = tmp_path / ("fits.npy" if kind == "static" else "fits.npz")
    if kind == "static":
        np.save(path, np.concatenate([pose, betas], 1))
    else:
        np.savez(path, pose=pose, betas=betas, valid_fit=np.array([True, False, True]))
    table = with_spin_fits(plain_table(), path, body_called("open"))
    assert table.smpl_valid.tolist() == [True, kind == "static", True]
    assert not table.absolute.any()
    # COCO's hips and shoulders are not exactly SMPL's joints, so this is near and not exact
    truth = np.stack([person.transl for person in PEOPLE])
    np.testing.assert_allclose(table.transl / truth[:, 2:], truth / truth[:, 2:], atol=0.05)
    loose = with_spin_fits(plain_table(), path)
    np.testing.assert_allclose(loose.transl[:, :2] / loose.transl[:, 2:], truth[:, :2] / truth[:, 2:], atol=0.2)


def test_a_spin_fit_gone_astray_gets_the_mean_shape(tmp_path):
    fits = np.zeros((3, 82))
    fits[:, 72] = (2.9, 3.1, -1)
    fits[2, 81] = -3.1
    np.save(tmp_path / "fits.npy", fits)
    assert with_spin_fits(plain_table(), tmp_path / "fits.npy").betas[:, 0].tolist() == [np.float32(2.9), 0, 0]


def test_fits_of_another_file_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 82)))
    with pytest.raises(ValueError, match="the labels have 3 rows"):
        with_spin_fits(plain_table(), tmp_path / "a.npy")
    (tmp_path / "b.npz").write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match=r"b\.npz is not a file of SPIN's fits"):
        with_spin_fits(plain_table(), tmp_path / "b.npz")
    with pytest.raises(FileNotFoundError, match=r"c\.npz"):
        with_spin_fits(plain_table(), tmp_path / "c.npz")


@pytest.mark.parametrize("nested", [True, False])
def test_smplifyx_fits_go_to_their_people(tmp_path, nested):
    fits = {}
    for number, person in zip((5, 9, 11), PEOPLE, strict=True):
        body = {name: value.ravel().tolist() for name, value in
                (("pose", person.pose), ("shape", person.betas), ("trans", person.transl))}  # fmt: skip
        camera = {"focal": [1000.0 + number, 1500.0], "princpt": [80, 60.5]}
        fits[str(number)] = {"smpl_param": body, "cam_param": camera} if nested else body
    path = tmp_path / "fits.json"
    path.write_text(json.dumps(fits))
    table = with_smplifyx_fits(plain_table(), path)
    assert table.smpl_valid.tolist() == [False, True, True]
    np.testing.assert_allclose(table.transl[1:], [person.transl for person in PEOPLE[:2]], rtol=1e-6)
    np.testing.assert_allclose(table.pose[2], PEOPLE[1].pose, rtol=1e-6)
    np.testing.assert_allclose(table.betas[1], PEOPLE[0].betas, rtol=1e-6)
    expected = np.tile(CAMERA, (3, 1))
    if nested:
        expected[1:] = [[1005, 1500, 80, 60.5], [1009, 1500, 80, 60.5]]
    np.testing.assert_allclose(table.intrinsics, expected)
    with pytest.raises(ValueError, match="for none of the 3 people"):
        with_smplifyx_fits(plain_table((1, 2, 3)), path)


def test_broken_smplifyx_fits_are_explained(tmp_path):
    path = tmp_path / "fits.json"
    path.write_text('{"5": {"pose": [1, 2], "shape": [], "trans": []}}')
    with pytest.raises(ValueError, match="'pose' is not 24 x 3"):
        with_smplifyx_fits(plain_table(), path)
    path.write_text('{"5": {"pose"')
    with pytest.raises(ValueError, match="not whole JSON"):
        with_smplifyx_fits(plain_table(), path)
    path.write_text("[1]")
    with pytest.raises(ValueError, match="does not map"):
        with_smplifyx_fits(plain_table(), path)
