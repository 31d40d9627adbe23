"""What the renderers do by hand to be fast, against the libraries that do the same."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from body.load import load_body
from body.raycast import RayScene, Window, camera_rays
from datamodules.open_v2.clothes.skinning import joint_transforms, skinned
from datamodules.open_v2.turns import carried, composed
from datamodules.synthetic.culling import Shades
from datamodules.synthetic.rays import Rays

RNG = np.random.default_rng(0)
BODY = load_body("open")


def test_rotations_compose_as_in_scipy() -> None:
    for first, second in RNG.normal(0, 2, (50, 2, 3)):
        expected = Rotation.from_rotvec(first) * Rotation.from_rotvec(second)
        np.testing.assert_allclose(composed(first, second), expected.as_rotvec(), atol=1e-9)
        np.testing.assert_allclose(carried(first, (0.3, -2.0, 1.0)), Rotation.from_rotvec(first).apply([0.3, -2, 1]))
    still, turn = np.zeros(3), np.array([0.0, 0.2, 0.0])
    np.testing.assert_allclose(composed(still, still), still)
    np.testing.assert_allclose(composed(still, turn), turn)
    np.testing.assert_allclose(composed(turn, -turn), still, atol=1e-15)


def test_skinning_is_the_body_models() -> None:
    pose, betas = RNG.normal(0, 0.4, (24, 3)), RNG.normal(0, 1, 10)
    shaped = BODY.v_template.numpy() + BODY.shapedirs.numpy() @ betas.astype(np.float32)
    joints = (BODY.regressor.numpy() @ shaped).astype(np.float64)
    found = skinned(BODY.lbs_weights.numpy(), joint_transforms(pose, joints, BODY.parents), shaped)
    expected = BODY(torch.from_numpy(pose)[None].float(), torch.from_numpy(betas)[None].float()).vertices[0]
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-6)


def test_rays_of_open_v1_end_where_embreex_lets_them_end() -> None:
    body = (BODY.v_template.numpy() * [1, -1, -1] + [0, -0.1, 2.9]).astype(np.float32)
    meshes = [(body, BODY.faces), (body + np.float32([0.3, 0.1, -0.4]), BODY.faces)]
    camera = np.array([[70.0, 0, 31.5], [0, 70.0, 31.5], [0, 0, 1]])
    directions = camera_rays(camera, Window(0, 0, 64, 64))
    plain, fast = RayScene(meshes), Rays(meshes)
    expected, found = plain.cast(np.zeros_like(directions), directions), fast.cast(directions)
    assert (expected.mesh >= 0).sum() > 400
    for name in ("mesh", "face", "barycentric", "distance"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    points = directions * np.where(expected.mesh >= 0, expected.distance, 1)[:, None] * np.float32(0.999)
    towards = np.broadcast_to(np.float32([0.3, -0.2, -1.0]), points.shape)
    np.testing.assert_array_equal(fast.occluded(points, towards), plain.occluded(points, towards))


def test_points_that_are_left_out_of_shadow_rays_are_lit() -> None:
    """The world is the camera frame with y up; embreex casts the rays of all points, with light from a soft lamp."""
    body = (BODY.v_template.numpy() * [1, -1, -1] + [0, -0.1, 2.9]).astype(np.float32)
    meshes = [(body, BODY.faces), (body + np.float32([0.6, 0.1, -0.4]), BODY.faces)]
    world, eye = np.diag([1.0, -1.0, -1.0]), np.array([0.2, 1.2, 3.0])
    light, softness = np.array([0.3, 0.8, 0.5]) / np.sqrt(0.98), 0.03
    floor = np.stack(np.meshgrid(np.linspace(-4, 4, 96), [-0.1], np.linspace(-4, 4, 96)), -1).reshape(-1, 3)
    vertices = [vertices for vertices, _ in meshes]
    near = Shades(vertices, world, eye, light, softness).near(floor.astype(np.float32))
    towards = (light + RNG.uniform(-softness, softness, floor.shape)) @ world.T
    dark = np.flatnonzero(RayScene(meshes).occluded((floor - eye) @ world.T, towards))
    assert len(dark) > 50
    assert set(dark) <= set(near)
    assert len(near) < len(floor) / 2
