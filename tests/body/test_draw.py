"""Overlays: what is drawn where, and in which colour."""

import numpy as np
import pytest
import trimesh

from body.draw import LEFT_COLOUR, MIDDLE_COLOUR, RIGHT_COLOUR, mesh_overlay, scene_overlay, skeleton_overlay
from body.shading import vertex_normals
from body.skeleton import SMPL24

K = np.array([[100.0, 0, 31.5], [0, 100.0, 31.5], [0, 0, 1]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])


def plate(half):
    return np.array([[-half, -half, 1], [half, -half, 1], [half, half, 1], [-half, half, 1]], np.float32)


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def test_mesh_overlay_changes_only_the_silhouette(photo):
    before = photo.copy()
    drawn = mesh_overlay(photo, plate(0.1), FACES, K)
    np.testing.assert_array_equal(photo, before)
    inside = np.zeros((64, 64), bool)
    inside[22:42, 22:42] = True
    np.testing.assert_array_equal(drawn[~inside], photo[~inside])
    assert (drawn[inside] != photo[inside]).any(-1).all()


def test_mesh_overlay_brightness_closed_form(photo):
    drawn = mesh_overlay(photo, plate(0.3), FACES, K, colour=(200, 100, 50), alpha=1.0)
    # a frontal plate at the optical axis: the light comes from (-0.35, -0.55, -1)
    brightness = 0.35 + 0.65 / np.sqrt(1 + 0.35**2 + 0.55**2)
    np.testing.assert_allclose(drawn[31:33, 31:33].mean((0, 1)), np.array([200, 100, 50]) * brightness, atol=1)


def test_mesh_overlay_alpha_blends(photo):
    opaque = mesh_overlay(photo, plate(0.1), FACES, K, alpha=1.0).astype(float)
    half = mesh_overlay(photo, plate(0.1), FACES, K, alpha=0.5)
    np.testing.assert_allclose(half, (opaque + photo) / 2, atol=1.01)
    np.testing.assert_array_equal(mesh_overlay(photo, plate(0.1), FACES, K, alpha=0.0), photo)


def test_mesh_overlay_smooths_edges():
    black = np.zeros((64, 64, 3), np.uint8)
    drawn = mesh_overlay(black, plate(0.1025), FACES, K, alpha=1.0)
    # the edge at 31.5 +- 10.25 covers half of the samples of pixels 21 and 42
    np.testing.assert_allclose(drawn[31, 21], drawn[31, 23] / 2, atol=2)


def test_vertex_normals_of_a_sphere():
    ball = trimesh.creation.icosphere(subdivisions=4)
    normals = vertex_normals(np.asarray(ball.vertices), np.asarray(ball.faces))
    np.testing.assert_allclose(normals, ball.vertices, atol=1e-2)


def test_skeleton_colours_sides():
    joints = np.full((24, 2), np.nan)
    for name, where in {
        "left_hip": (10, 10),
        "left_knee": (10, 50),
        "right_hip": (30, 10),
        "right_knee": (30, 50),
        "pelvis": (50, 50),
        "spine1": (50, 10),
    }.items():
        joints[SMPL24.index(name)] = np.multiply(where, 8)
    black = np.zeros((512, 512, 3), np.uint8)
    drawn = skeleton_overlay(black, joints, SMPL24)
    assert not black.any()
    assert tuple(drawn[240, 80]) == LEFT_COLOUR
    assert tuple(drawn[240, 240]) == RIGHT_COLOUR
    assert tuple(drawn[240, 400]) == MIDDLE_COLOUR


def test_skeleton_leaves_out_invalid_joints():
    joints = np.random.default_rng(1).uniform(5, 60, (24, 2))
    joints[3] = 1e9
    black = np.zeros((64, 64, 3), np.uint8)
    assert not skeleton_overlay(black, joints, SMPL24, np.zeros(24, bool)).any()
    assert skeleton_overlay(black, joints, SMPL24).any()


def test_bad_arguments(photo):
    with pytest.raises(ValueError, match="24, 2"):
        skeleton_overlay(photo, np.zeros((17, 2)), SMPL24)


def test_the_nearer_mesh_hides_the_other_whatever_their_order(photo):
    """Plates of one size at depths 2 and 4 about the optical axis: the far one's picture lies inside the near one's."""
    near, far = plate(0.3), plate(0.3) * np.array([1, 1, 2], np.float32)
    alone = mesh_overlay(photo, near, FACES, K, colour=(200, 100, 50))
    for meshes, colours in (
        ([(near, FACES), (far, FACES)], [(200, 100, 50), (0, 0, 255)]),
        ([(far, FACES), (near, FACES)], [(0, 0, 255), (200, 100, 50)]),
    ):
        np.testing.assert_array_equal(scene_overlay(photo, meshes, K, colours), alone)
    shifted = far + np.array([1.0, 0, 0], np.float32)
    both = scene_overlay(photo, [(near, FACES), (shifted, FACES)], K, [(200, 100, 50), (0, 0, 255)], alpha=1.0)
    one, other = (
        mesh_overlay(photo, mesh, FACES, K, colour=colour, alpha=1.0)
        for mesh, colour in ((near, (200, 100, 50)), (shifted, (0, 0, 255)))
    )
    apart = (one == photo).all(-1) | (other == photo).all(-1)
    assert (both[apart] == np.where((one == photo).all(-1, keepdims=True), other, one)[apart]).all()
