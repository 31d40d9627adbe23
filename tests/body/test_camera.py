"""Cameras and crop affines against closed forms and the official functions' stored outputs."""

import math

import cv2
import numpy as np
import pytest
import torch

from body.camera import (
    apply_affine,
    backproject,
    compose_affine,
    crop_affine,
    default_intrinsics,
    intrinsics_matrix,
    invert_affine,
    project,
    rotation_affine,
    square_box,
)


@pytest.fixture
def camera():
    return intrinsics_matrix(torch.tensor([1000.0, 1000.0]), torch.tensor([320.0, 240.0]))


def test_projection_of_one_worked_point(camera):
    assert project(torch.tensor([[0.1, 0.2, 2.0]]), camera).tolist() == [[370.0, 340.0]]


def test_projection_agrees_with_opencv_and_comes_back():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 3)) * [1, 1, 0.5] + [0, 0, 4]
    matrix = np.array([[900.0, 0, 310], [0, 950, 250], [0, 0, 1]])
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, None)
    pixels = project(torch.from_numpy(points), torch.from_numpy(matrix))
    np.testing.assert_allclose(pixels, expected[:, 0], atol=1e-9)
    back = backproject(pixels, torch.from_numpy(points[:, 2]), torch.from_numpy(matrix))
    np.testing.assert_allclose(back, points, atol=1e-12)


@pytest.mark.parametrize("degrees", [0.0, 30.0, -75.0])
def test_crop_affine_equals_the_three_point_definition(degrees):
    # spec section 6: centre, centre + R (0, h/2), centre + R (w/2, 0) go to the middle, bottom and right of the patch
    box, size, angle = np.array([40.0, 25.0, 90.0, 90.0]), 256, math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    centre = box[:2] + box[2:] / 2
    source = np.stack([centre, centre + turn @ [0, 45], centre + turn @ [45, 0]]).astype(np.float32)
    target = np.array([[128, 128], [128, 256], [256, 128]], np.float32)
    ours = crop_affine(torch.from_numpy(box), size, torch.tensor(angle, dtype=torch.float64))
    np.testing.assert_allclose(ours, cv2.getAffineTransform(source, target), atol=1e-4)


def test_affine_inverse_and_composition():
    first = crop_affine(torch.tensor([10.0, 20, 50, 80]), 128, torch.tensor(0.4))
    second = crop_affine(torch.tensor([-5.0, 3, 30, 30]), 64, torch.tensor(-1.1))
    points = torch.rand(20, 2) * 100
    torch.testing.assert_close(
        apply_affine(apply_affine(points, first), invert_affine(first)), points, atol=1e-4, rtol=0
    )
    both = apply_affine(points, compose_affine(second, first))
    torch.testing.assert_close(both, apply_affine(apply_affine(points, first), second), atol=1e-3, rtol=1e-5)


def test_turning_the_scene_moves_pixels_by_the_rotation_affine():
    camera = intrinsics_matrix(torch.tensor([1000.0, 850.0]), torch.tensor([320.0, 240.0])).double()
    cos, sin = math.cos(0.7), math.sin(0.7)
    turn = torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=torch.float64)
    points = torch.randn(30, 3, dtype=torch.float64) + torch.tensor([0.0, 0, 5])
    moved = apply_affine(project(points, camera), rotation_affine(camera, torch.tensor(0.7, dtype=torch.float64)))
    torch.testing.assert_close(moved, project(points @ turn.T, camera), atol=1e-8, rtol=0)


def test_square_box_grows_about_its_centre():
    assert square_box(torch.tensor([10.0, 20, 40, 80])).tolist() == [-20.0, 10.0, 100.0, 100.0]


def test_default_camera_sees_sixty_degrees_across_the_longer_side():
    camera = default_intrinsics(640, 480)
    assert math.isclose(2 * math.degrees(math.atan(320 / camera[0, 0])), 60, abs_tol=1e-4)
    assert camera[:2, 2].tolist() == [319.5, 239.5]
