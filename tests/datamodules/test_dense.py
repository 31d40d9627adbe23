"""DensePose's points and masks in images and crops, and their mirror images."""

from pathlib import Path

import numpy as np
import pytest
from fake import densepose

from body.skeleton import SMPL29
from datamodules.augment import NO_CHANGE, Change
from datamodules.crop import RestRoot, make_crop
from datamodules.dense import mask_in_image, mirror_dense, points_in_image
from datamodules.sample import RawSample
from datamodules.settings import CropSettings

with np.load(Path(__file__).parents[1] / "golden" / "danet_densepose.npz") as stored:
    GOLDEN = dict(stored)
BOX, MASK = GOLDEN["dp_ann_bbox"], GOLDEN["dp_ann_maskimg"]
COUNT, CELLS = len(GOLDEN["dp_ann_dp_x"]), 56
SIDE = 200 * float(GOLDEN["dp_ann_scale"])
CORNER = GOLDEN["dp_ann_center"] - SIDE / 2
CUT = (CORNER - np.floor(CORNER)) * CELLS / SIDE  # the release begins its crops at whole pixels
IN_CELLS = np.concatenate([BOX[:2] - np.floor(CORNER), BOX[2:]]) * CELLS / SIDE


@pytest.fixture(scope="module", autouse=True)
def assets(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("assets")
        densepose.write_symmetry(folder)
        patch.setenv("ZOO_ASSETS", str(folder))
        yield folder


def annotated():
    """The golden person as a raw sample."""
    places = np.stack([GOLDEN["dp_ann_dp_x"], GOLDEN["dp_ann_dp_y"]], 1)
    pixels = points_in_image(places, np.tile(BOX, (COUNT, 1)))
    iuv = np.stack([GOLDEN[f"dp_ann_dp_{key}"] for key in "IUV"], 1)
    return RawSample(
        image=np.zeros((100, 120, 3), np.uint8),
        intrinsics=np.array([[100.0, 0, 60], [0, 100, 50], [0, 0, 1]]),
        box=BOX,
        joints=np.zeros((29, 3)),
        joints_valid=np.zeros(29, bool),
        skeleton=SMPL29,
        index=0,
        dense_points=np.concatenate([pixels, iuv], 1).astype(np.float32),
        dense_mask=mask_in_image(MASK, BOX, (120, 100)),
    )


def crop(change):
    settings = CropSettings(size=CELLS, margin=SIDE / BOX[2:].max())
    return make_crop(annotated(), settings, change, RestRoot(np.zeros(3), np.zeros((10, 3))))


def test_points_are_those_of_the_release():
    row = crop(NO_CHANGE)
    assert row["dense_points_valid"].tolist() == [True] * COUNT + [False] * (196 - COUNT)
    official = np.stack([GOLDEN[f"flip0_{key}"] for key in ("X_points", "Y_points", "I_points", "U", "V")], 1)
    official[:COUNT, :2] -= CUT
    np.testing.assert_allclose(row["dense_points"].numpy(), official, atol=2e-5)


def test_mirrored_points_are_those_of_the_release():
    row = crop(Change(flip=True))
    official = np.stack([GOLDEN[f"flip1_{key}"] for key in ("X_points", "Y_points", "I_points", "U", "V")], 1)[:COUNT]
    official[:, :2] -= CUT
    # the release mirrors x in the box to 256 - x, which is 1 / 255 of the box too far right
    official[:, 0] -= BOX[2] / 255 * CELLS / SIDE
    np.testing.assert_allclose(row["dense_points"].numpy()[:COUNT], official, atol=2e-5)


def test_masks_are_those_of_the_release():
    official = GOLDEN["flip0_ann_labels"].reshape(CELLS, CELLS)
    np.testing.assert_array_equal(mask_in_image(MASK, IN_CELLS, (CELLS, CELLS)), official)
    _, swapped = mirror_dense(np.zeros((0, 5)), np.zeros(0, bool), np.ascontiguousarray(MASK[:, ::-1]))
    official = GOLDEN["flip1_ann_labels"].reshape(CELLS, CELLS)
    np.testing.assert_array_equal(mask_in_image(swapped, IN_CELLS, (CELLS, CELLS)), official)


@pytest.mark.parametrize("flip", [False, True])
def test_masks_by_way_of_the_photograph_differ_at_borders_only(flip):
    ours = crop(Change(flip=flip))["dense_mask"].numpy()
    official = GOLDEN[f"flip{int(flip)}_ann_labels"].reshape(CELLS, CELLS)
    assert (ours != official).mean() < 0.05
    inside = np.ones_like(official, bool)
    for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        inside &= np.roll(official, shift, (0, 1)) == official
    np.testing.assert_array_equal(ours[inside], official[inside])


def test_mirroring_again_gives_the_parts_back():
    points = np.concatenate([np.zeros((24, 2)), np.arange(1, 25)[:, None], np.full((24, 2), 0.5)], 1)
    mask = np.arange(15, dtype=np.uint8)[None]
    once, half = mirror_dense(points, np.ones(24, bool), mask)
    twice, whole = mirror_dense(once, np.ones(24, bool), half)
    np.testing.assert_array_equal(twice[:, 2], points[:, 2])
    np.testing.assert_array_equal(whole, mask)
    assert once[:4, 2].tolist() == [1, 2, 4, 3]
    assert half[0, :6].tolist() == [0, 1, 3, 2, 5, 4]


def test_what_is_missing_or_wrong_is_said(tmp_path, monkeypatch):
    points, mask = np.array([[0, 0, 3, 0.5, 0.5]]), np.zeros((2, 2), np.uint8)
    for wrong in ([0, 0, 25, 0.5, 0.5], [0, 0, 3, 1.5, 0.5]):
        with pytest.raises(ValueError, match="parts from 1 to 24"):
            mirror_dense(np.array([wrong]), np.ones(1, bool), mask)
    with pytest.raises(ValueError, match="needs a box"):
        mask_in_image(MASK, np.array([0, 0, 0, 5.0]), (4, 4))
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"get_densepose_uv.sh .*flip_probability"):
        mirror_dense(points, np.ones(1, bool), mask)
    np.testing.assert_array_equal(
        mirror_dense(points, np.zeros(1, bool), mask)[0], points
    )  # masks alone need no tables
    (tmp_path / "densepose").mkdir()
    (tmp_path / "densepose" / "UV_symmetry_transforms.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(ValueError, match=r"UV_symmetry_transforms.mat"):
        mirror_dense(points, np.ones(1, bool), mask)
