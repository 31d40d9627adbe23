"""Boxes, against I2L-MeshNet's official functions and a loop."""

from pathlib import Path

import numpy as np
import pytest
import torch

from body.camera import square_box
from datamodules.readers.boxes import boxes_inside, boxes_of_points, clip_boxes, scale_boxes

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "i2l_meshnet_functions.npz")


def test_release_boxes_are_the_official_ones():
    clipped, kept = clip_boxes(GOLDEN["bbox_in"], GOLDEN["bbox_wh"].astype(float), release=True)
    official = GOLDEN["process_bbox_out"]
    assert kept.tolist() == np.isfinite(official[:, 0]).tolist()
    grown = square_box(torch.from_numpy(clipped), 1.25).numpy()
    np.testing.assert_allclose(grown[kept], official[kept], atol=1e-4)


def test_clipped_boxes_are_what_is_inside():
    boxes = np.array([[-10.0, -20, 41, 61], [90, 5, 30, 10], [5, 5, 11, 11], [-30, 0, 20, 20], [3, 3, 0, 5]])
    clipped, kept = clip_boxes(boxes, np.full((5, 2), [100.0, 50.0]))
    assert kept.tolist() == [True, True, True, False, False]
    np.testing.assert_allclose(clipped[:3], [[0, 0, 30, 40], [90, 5, 9, 9], [5, 5, 10, 10]])
    shifted, _ = clip_boxes(boxes, np.full((5, 2), [100.0, 50.0]), release=True)
    np.testing.assert_allclose(shifted[:3], [[0, 0, 40, 49], [90, 5, 9, 9], [5, 5, 10, 10]])


def test_boxes_of_points_are_the_official_ones():
    points, valid = GOLDEN["get_bbox_joint_img"][None], GOLDEN["get_bbox_valid"][None] > 0
    np.testing.assert_allclose(boxes_of_points(points, valid, 1.2)[0], GOLDEN["get_bbox_out"], rtol=1e-5)


@pytest.mark.parametrize("grow", [1.0, 1.5])
def test_boxes_of_points_hold_the_valid_points_only(grow):
    rng = np.random.default_rng(0)
    points, valid = rng.normal(size=(20, 7, 2)), rng.random((20, 7)) < 0.4
    valid[3] = False
    for box, own, mask in zip(boxes_of_points(points, valid, grow), points, valid, strict=True):
        if not mask.any():
            assert box.tolist() == [0, 0, 0, 0]
            continue
        low, high = own[mask].min(0), own[mask].max(0)
        np.testing.assert_allclose(box[2:], (high - low) * grow)
        np.testing.assert_allclose(box[:2] + box[2:] / 2, (low + high) / 2)


def test_margins_are_undone_about_the_centre():
    boxes = np.array([[10.0, 20, 12, 24]])
    np.testing.assert_allclose(scale_boxes(boxes, 1 / 1.2), [[11, 22, 10, 20]])
    points, valid = np.array([[[3.0, 4], [9, 20]]]), np.ones((1, 2), bool)
    shrunk = scale_boxes(boxes_of_points(points, valid, 1.2), 1 / 1.2)
    np.testing.assert_allclose(shrunk, boxes_of_points(points, valid))


def test_points_outside_the_photograph_do_not_count_unless_nothing_is_left():
    points = np.array([[[-5.0, 5], [10, 5], [30, 25]], [[-5, 5], [10, 5], [130, 25]], [[-9, -9], [-5, 5], [130, 25]]])
    boxes = boxes_inside(points, np.full((3, 2), [100.0, 50.0]))
    np.testing.assert_allclose(boxes, [[10, 5, 20, 20], [-5, 5, 135, 20], [-9, -9, 139, 34]])
