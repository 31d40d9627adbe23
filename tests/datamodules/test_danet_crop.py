"""Crops, turns and flips, against DaNet's (SPIN's) functions where they do the same thing.

The release counts pixels from 1 and cuts crop coordinates to whole pixels; ours keep their fractions.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from body.camera import crop_affine, square_box
from body.skeleton import SPIN24
from datamodules.augment import NO_CHANGE, Change
from datamodules.crop import RestRoot, change_smpl, make_crop
from datamodules.sample import RawSample, Smpl
from datamodules.settings import CropSettings

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "danet_crop.npz")
NO_ROOT = RestRoot(np.zeros(3), np.zeros((10, 3)))


def smpl(pose):
    return Smpl(pose.reshape(24, 3), np.zeros(10), np.zeros(3))


def window(centre, scale):
    side = 200 * float(scale)
    return torch.tensor([*(centre - side / 2), side, side])


@pytest.mark.parametrize("degrees", [0, 30])
def test_the_affine_of_a_crop(degrees):
    box = window(GOLDEN["im_center"], GOLDEN["im_scale"])
    ours = crop_affine(square_box(box, 1.0), 224, torch.tensor(np.deg2rad(degrees)))
    np.testing.assert_allclose(ours, GOLDEN[f"im_get_transform_rot{degrees}"][:2], rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("degrees", [0, 25])
def test_points_of_a_crop_but_for_whole_pixels(degrees):
    box = window(GOLDEN["im_center"], GOLDEN["im_scale"])
    affine = crop_affine(square_box(box, 1.0), 224, torch.tensor(np.deg2rad(degrees))).double().numpy()
    ours = (GOLDEN["im_pts"] - 1) @ affine[:, :2].T + affine[:, 2]
    np.testing.assert_array_equal(np.trunc(ours) + 1, GOLDEN[f"im_transform_rot{degrees}"])


def test_mirrored_poses():
    ours = change_smpl(smpl(GOLDEN["im_flip_pose_in"]), Change(flip=True), np.zeros(3))
    np.testing.assert_allclose(ours.pose.reshape(-1), GOLDEN["im_flip_pose_out"], atol=1e-12)


def test_turned_orientations():
    pose = np.zeros(72)
    pose[:3] = GOLDEN["im_rot_aa_in"]
    ours = change_smpl(smpl(pose), Change(rotation=np.deg2rad(-30)), np.zeros(3))
    np.testing.assert_allclose(ours.pose[0], GOLDEN["im_rot_aa_out30"], atol=1e-6)


def test_poses_turned_and_mirrored():
    """The release turns first: a turn before the flip is the opposite turn after it."""
    ours = change_smpl(smpl(GOLDEN["bd_pose_in"]), Change(rotation=np.deg2rad(20), flip=True), np.zeros(3))
    np.testing.assert_allclose(ours.pose.reshape(-1), GOLDEN["bd_pose_rot20_flip"], atol=1e-5)


def test_sides_of_the_joints():
    flipped = GOLDEN["im_flip_kp24_in"][list(SPIN24.mirror)]
    flipped[:, 0] *= -1
    np.testing.assert_allclose(flipped, GOLDEN["im_flip_kp24_out"], atol=1e-12)


MIRRORED = Change(rotation=np.deg2rad(20), flip=True)


@pytest.mark.parametrize(("change", "key"), [(NO_CHANGE, "bd_j3d_plain"), (MIRRORED, "bd_j3d_rot20_flip")])
def test_joints_of_a_turned_and_mirrored_person(change, key):
    joints = GOLDEN["bd_S_in"]
    sample = RawSample(
        image=np.zeros((100, 100, 3), np.uint8), intrinsics=np.diag([500.0, 500, 1]), box=np.array([10.0, 10, 50, 50]),
        joints=joints[:, :3], joints_valid=np.ones(24, bool), skeleton=SPIN24, index=0,
    )  # fmt: skip
    row = make_crop(sample, CropSettings("spin24"), change, NO_ROOT)
    np.testing.assert_allclose(row["joints"], GOLDEN[key][:, :3], atol=1e-6)
