"""Crops keep every label on the picture, whatever happens to the sample."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from body.camera import apply_affine, project
from body.load import load_body
from body.maps import iuv_map
from body.skeleton import H36M17, SMPL24, SMPL29
from body.uv import SurfaceCharts
from datamodules.augment import NO_CHANGE, Change
from datamodules.base import rest_root
from datamodules.crop import RestRoot, change_smpl, crop_image, make_crop, mirror_iuv
from datamodules.sample import RawSample, Smpl
from datamodules.settings import CropSettings

CHANGES = [
    NO_CHANGE,
    Change(flip=True),
    Change(rotation=0.7),
    Change(scale=1.2, rotation=-0.9, flip=True),
    Change(scale=0.8, rotation=np.pi / 2),
]
NO_ROOT = RestRoot(np.zeros(3), np.zeros((10, 3)))


@pytest.fixture(scope="module")
def model():
    return load_body("open")


def raw(seed=0, **changes):
    rng = np.random.default_rng(seed)
    width, height = 160, 120
    joints = rng.uniform([-0.4, -0.4, 2.5], [0.4, 0.4, 3.5], (29, 3))
    sample = RawSample(
        image=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        intrinsics=np.array([[210.0, 0.7, 85], [0, 190, 55], [0, 0, 1]]),
        box=np.array([50.0, 20, 40, 70]),
        joints=joints,
        joints_valid=np.ones(29, bool),
        skeleton=SMPL29,
        index=3,
        action="walking",
    )
    return replace(sample, **changes)


@pytest.mark.parametrize("change", CHANGES)
def test_projection_invariant(change):
    row = make_crop(raw(), CropSettings("smpl29", size=128, margin=1.25), change, NO_ROOT)
    projected = apply_affine(project(row["joints"], row["intrinsics"]), row["crop_affine"])
    assert row["joints_2d_valid"].all()
    torch.testing.assert_close(projected, row["joints_2d"], atol=2e-3, rtol=1e-5)


@pytest.mark.parametrize("change", CHANGES)
def test_picture_moves_with_the_labels(change):
    sample = raw()
    homogeneous = sample.joints @ sample.intrinsics.T
    where = np.rint(homogeneous[SMPL29.index("left_wrist"), :2] / homogeneous[SMPL29.index("left_wrist"), 2])
    image = np.zeros_like(sample.image)
    cv2.circle(image, tuple(int(x) for x in where), 2, (255, 255, 255), -1)
    row = make_crop(
        replace(sample, image=image, box=np.array([20.0, 0, 120, 120])),
        CropSettings("smpl29", size=128, margin=1.25),
        change,
        NO_ROOT,
    )
    spot = row["image"].sum(0)
    assert spot.max() > 1
    v, u = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    centre = torch.stack([(u * spot).sum(), (v * spot).sum()]) / spot.sum()
    name = "right_wrist" if change.flip else "left_wrist"
    assert (centre - row["joints_2d"][SMPL29.index(name)]).norm() < 1.0


@pytest.mark.parametrize("change", CHANGES)
def test_smpl_parameters_follow_the_scene(model, change):
    rng = np.random.default_rng(1)
    pose = rng.normal(0, 0.4, (24, 3))
    smpl = Smpl(pose, rng.normal(0, 1, 10), np.array([0.2, 0.1, 3.0]))
    changed = change_smpl(smpl, change, rest_root(model).of(smpl.betas))

    def vertices(parameters):
        tensors = [torch.from_numpy(x).float()[None] for x in (parameters.pose, parameters.betas, parameters.transl)]
        return model(*tensors).vertices[0].double().numpy()

    expected = vertices(smpl)
    if change.flip:
        expected = expected[model.mirror] * [-1, 1, 1]
    expected = expected @ Rotation.from_euler("z", change.rotation).as_matrix().T
    np.testing.assert_allclose(vertices(changed), expected, atol=2e-5)


def test_rotation_turns_the_head_to_the_right():
    up, down = np.array([0, -0.5, 3.0]), np.array([0, 0.5, 3.0])
    joints = np.tile(down, (29, 1))
    joints[SMPL29.index("head")] = up
    row = make_crop(
        raw(joints=joints), CropSettings("smpl29", size=128, margin=1.25), Change(rotation=np.pi / 2), NO_ROOT
    )
    head, pelvis = row["joints_2d"][SMPL29.index("head")], row["joints_2d"][0]
    assert head[0] > pelvis[0] + 20
    assert abs(head[1] - pelvis[1]) < 1


def test_iuv_of_a_mirrored_person_is_the_mirrored_iuv(model):
    template, weights = model.v_template.numpy(), model.lbs_weights.numpy()
    charts = SurfaceCharts.of(template, model.faces, weights, model.regressor.numpy() @ template)
    intrinsics = np.array([[150.0, 0, 47.5], [0, 150, 47.5], [0, 0, 1]])
    pose = torch.from_numpy(np.random.default_rng(2).normal(0, 0.3, (24, 3)))
    pose[0] = torch.tensor([np.pi, 0, 0.0])  # y up -> y down
    smpl = Smpl(pose.numpy(), np.zeros(10), np.array([0.05, 0.1, 3.5]))
    maps = []
    for parameters in (smpl, change_smpl(smpl, Change(flip=True), rest_root(model).of(smpl.betas))):
        tensors = [torch.from_numpy(x).float()[None] for x in (parameters.pose, parameters.betas, parameters.transl)]
        vertices = model(*tensors).vertices[0].numpy()
        maps.append(iuv_map(vertices, model.faces, charts, intrinsics, (96, 96)).astype(int))
    expected = mirror_iuv(maps[0][:, ::-1].astype(np.uint8)).astype(int)
    seen = (maps[1][..., 0] > 0) | (expected[..., 0] > 0)
    assert seen.sum() > 800
    same_part = maps[1][..., 0] == expected[..., 0]
    assert same_part[seen].mean() > 0.99
    difference = np.abs(maps[1] - expected)[seen & same_part]
    wrapped = np.minimum(difference[:, 1], 255 - difference[:, 1])
    assert np.mean(wrapped <= 2) > 0.98
    assert np.mean(difference[:, 2] <= 2) > 0.98


def test_iuv_stays_on_the_picture():
    iuv = np.zeros((120, 160, 3), np.uint8)
    iuv[30:90, 60:100] = [SMPL24.index("left_knee") + 1, 40, 200]
    image = np.repeat((iuv[..., :1] > 0) * np.uint8(255), 3, -1)
    row = make_crop(
        raw(iuv=iuv, image=image),
        CropSettings("smpl29", size=128, margin=1.25),
        Change(rotation=0.5, flip=True),
        NO_ROOT,
    )
    marked = row["iuv"][0] == SMPL24.index("right_knee") + 1
    bright = row["image"][0] > 0.5
    assert (marked != bright).float().mean() < 0.01
    assert row["iuv"][:, marked][1:].float().mean(1).tolist() == [40, 200]


def test_depth_order_brute_force():
    row = make_crop(raw(), CropSettings("smpl29", size=64, margin=1.25), NO_CHANGE, NO_ROOT)
    z = row["joints"][:, 2].tolist()
    for i, a in enumerate(z):
        for j, b in enumerate(z):
            expected = 0 if abs(a - b) <= 0.05 else (1 if a > b else -1)
            assert row["depth_order"][i, j] == expected


def test_joints_are_converted_by_name():
    valid = np.ones(29, bool)
    valid[SMPL29.index("left_knee")] = False
    row = make_crop(raw(joints_valid=valid), CropSettings("h36m17", size=64, margin=1.25), NO_CHANGE, NO_ROOT)
    names = {name for name, ok in zip(H36M17.joints, row["joints_valid"].tolist(), strict=True) if ok}
    assert names == (set(H36M17.joints) & set(SMPL29.joints)) - {"left_knee"}
    assert not row["joints"][~row["joints_valid"]].any()
    assert not row["root_depth_valid"]
    knee = torch.from_numpy(raw().joints[SMPL29.index("right_knee")]).float()
    torch.testing.assert_close(row["joints"][H36M17.index("right_knee")], knee)


def test_flip_swaps_validity_with_the_joints():
    valid = np.ones(29, bool)
    valid[SMPL29.index("left_knee")] = False
    row = make_crop(raw(joints_valid=valid), CropSettings("smpl29", size=64, margin=1.25), Change(flip=True), NO_ROOT)
    assert row["joints_valid"][SMPL29.index("left_knee")]
    assert not row["joints_valid"][SMPL29.index("right_knee")]


def test_annotated_pixels_win_over_projections():
    pixels = np.random.default_rng(5).uniform(10, 90, (29, 2))
    shown = np.arange(29) % 2 == 0
    sample = raw(joints_2d=pixels, joints_2d_valid=shown, joints_valid=np.zeros(29, bool))
    row = make_crop(sample, CropSettings("smpl29", size=64, margin=1.0), NO_CHANGE, NO_ROOT)
    # box 50..90 x 20..90 -> square of side 70 around (70, 55) -> 64 pixels
    expected = (pixels - [35, 20]) * 64 / 70
    np.testing.assert_allclose(row["joints_2d"][shown], expected[shown], rtol=1e-5, atol=1e-3)
    assert not row["joints_2d_valid"][~shown].any()
    assert not row["joints_valid"].any()


def test_missing_labels_are_masked():
    row = make_crop(raw(), CropSettings("smpl29", size=64, margin=1.25), NO_CHANGE, NO_ROOT)
    assert not row["smpl_valid"]
    assert not row["vertices_valid"]
    assert not row["iuv_valid"]
    assert row["iuv"].shape == (3, 64, 64)
    assert row["pose"].shape == (24, 3)


def test_crop_image_identity_and_border():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    same = crop_image(image, np.array([[1.0, 0, 0], [0, 1, 0]]), 40)
    np.testing.assert_array_equal(same, image)
    moved = crop_image(image, np.array([[1.0, 0, 10], [0, 1, 0]]), 40)
    np.testing.assert_array_equal(moved[:, 10:], image[:, :30])
    assert not moved[:, :10].any()
