"""Crops, targets and decoded meshes of hands, against I2L-MeshNet's official FreiHAND class on one made-up sample."""

from pathlib import Path

import numpy as np
import pytest
import torch

from body.licensed import MANO16
from body.model import BodyModel
from body.skeleton import MANO21
from datamodules.augment import NO_CHANGE, Change
from datamodules.base import collate, rest_root
from datamodules.crop import make_crop
from datamodules.sample import RawSample, Smpl
from datamodules.settings import CropSettings
from lightning_modules.i2l_meshnet.targets import LixelSpace, make_targets

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "i2l_meshnet_pipeline_hand.npz")
SPACE = LixelSpace(256, 64, 0.3)
CHANGES = {
    "noaug": NO_CHANGE,
    "rot": Change(scale=0.85, rotation=np.deg2rad(-25)),
    "aug": Change(scale=1.13, rotation=np.deg2rad(37)),
}


def given(key):
    return GOLDEN[f"FreiHAND_in_{key}"].astype(float)


@pytest.fixture(scope="module")
def hand():
    weights = np.zeros((778, 16))
    weights[:, 0] = 1  # the stand-in's pose rotates the whole hand only
    tree = np.stack([MANO16.parent_indices, np.arange(16)])
    data = {"v_template": GOLDEN["layer_template"], "shapedirs": GOLDEN["layer_shapedirs"], "weights": weights,
            "J_regressor": GOLDEN["layer_J_regressor_native"], "kintree_table": tree,
            "f": np.zeros((1, 3), int)}  # fmt: skip
    return BodyModel("stand-in", MANO16, data, {"mano21": GOLDEN["joint_regressor"]})


def sample():
    (fx, fy), (cx, cy), (width, height) = given("focal"), given("princpt"), GOLDEN["FreiHAND_in_img_wh"]
    return RawSample(
        image=np.zeros((height, width, 3), np.uint8), intrinsics=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]),
        box=given("bbox_processed"), joints=np.zeros((21, 3)), joints_valid=np.zeros(21, bool), skeleton=MANO21,
        smpl=Smpl(given("pose").reshape(16, 3), given("shape"), given("trans")), index=0,
    )  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_targets_are_the_official_ones(change, hand):
    settings = CropSettings("mano21", size=256, margin=1.0)
    batch = collate([make_crop(sample(), settings, CHANGES[change], rest_root(hand))])
    batch["vertices"] = hand(batch["pose"], batch["betas"], batch["transl"]).vertices
    targets = make_targets(batch, SPACE, hand.joint_regressor("mano21"), 0)
    keys = ("t_fit_joint_img", "t_fit_mesh_img", "t_pose_param", "t_shape_param", "m_fit_joint_trunc")
    official = {key: GOLDEN[f"FreiHAND_{change}_{key}"] for key in keys}
    # their joints come from the hand layer, whose middle tip is vertex 444, not the regressor's 445
    same = [joint != "middle_4" for joint in MANO21.joints]
    np.testing.assert_allclose(targets.fit_joints[0, same], official["t_fit_joint_img"][same], atol=1.5e-4)
    np.testing.assert_allclose(targets.vertices[0, ::10], official["t_fit_mesh_img"], atol=1.5e-4)
    np.testing.assert_allclose(batch["pose"][0].flatten(), official["t_pose_param"], atol=1e-5)
    np.testing.assert_allclose(batch["betas"][0], official["t_shape_param"], atol=1e-6)
    assert targets.fit_valid[0, :, 0].tolist() == (official["m_fit_joint_trunc"][:, 0] > 0).tolist()
    assert not targets.joints_valid.any()  # the annotated joints train nothing


def test_a_mirrored_hand_is_refused(hand):
    with pytest.raises(ValueError, match="another hand"):
        make_crop(sample(), CropSettings("mano21"), Change(flip=True), rest_root(hand))


def test_decoded_meshes_are_those_of_the_submission(hand):
    lixels, depth = torch.from_numpy(GOLDEN["FreiHAND_eval_in_mesh_coord_img"]), GOLDEN["FreiHAND_eval_in_root_depth_m"]
    inverse = np.concatenate([GOLDEN["FreiHAND_eval_in_bb2img_trans"], [[0, 0, 1]]])
    affine = torch.from_numpy(np.linalg.inv(inverse)[:2]).float().expand(2, 2, 3)
    camera = torch.from_numpy(sample().intrinsics).float().expand(2, 3, 3)
    meshes = SPACE.decode(lixels.float(), torch.full((2,), float(depth)), camera, affine)
    np.testing.assert_allclose(meshes, GOLDEN["FreiHAND_eval_out_mesh_out"], atol=2e-6)
    np.testing.assert_allclose(hand.regress(meshes, "mano21"), GOLDEN["FreiHAND_eval_out_joint_out"], atol=2e-6)
