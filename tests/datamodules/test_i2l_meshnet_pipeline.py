"""Crops and targets, against the items of I2L-MeshNet's official dataset classes.

The official classes saw one made-up sample each, without change (`noaug`), turned and scaled (`rot`), and also mirrored
(`aug`); the body was a stand-in whose pose moves the whole body only. The file keeps the vertices that regressors use.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from body.model import BodyModel
from body.skeleton import COCO17, H36M17, SMPL24, Skeleton
from datamodules.augment import NO_CHANGE, Change
from datamodules.base import collate, rest_root
from datamodules.crop import make_crop
from datamodules.sample import RawSample, Smpl
from datamodules.settings import CropSettings
from lightning_modules.i2l_meshnet.targets import LixelSpace, make_targets

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "i2l_meshnet_pipeline.npz")
SPACE = LixelSpace(256, 64, 2.0)
SETTINGS = CropSettings("smpl29", size=256, margin=1.0, same_joints="by_name")  # the boxes have their margin
CHANGES = {
    "noaug": NO_CHANGE,
    "rot": Change(scale=0.85, rotation=np.deg2rad(-25)),
    "aug": Change(scale=1.13, rotation=np.deg2rad(37), flip=True),
}
NAMES = ("Human36M", "MSCOCO", "MSCOCOoff", "MuCo")
COCO18 = Skeleton("coco18", (*COCO17.joints, "pelvis_coco"), (*COCO17.joints, "pelvis_coco"), "pelvis_coco")
_MUCO = [
    "head_top",
    "neck_mpi",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip_mpi",
    "right_knee",
    "right_ankle",
    "left_hip_mpi",
    "left_knee",
    "left_ankle",
    "pelvis_mpi",
    "spine_mpi",
    "head_mpi",
    "right_hand_mpi",
    "left_hand_mpi",
    "right_toe_mpi",
    "left_toe_mpi",
]
MUCO21 = Skeleton("muco21", tuple(_MUCO), tuple(_MUCO), "pelvis_mpi")


@pytest.fixture(scope="module")
def body():
    weights = np.zeros((len(GOLDEN["vertices"]), 24))
    weights[:, 0] = 1
    tree = np.stack([SMPL24.parent_indices, np.arange(24)])
    data = {"v_template": GOLDEN["template"], "shapedirs": GOLDEN["shapedirs"], "J_regressor": GOLDEN["J"],
            "weights": weights, "kintree_table": tree, "f": np.zeros((1, 3), int)}  # fmt: skip
    return BodyModel("stand-in", SMPL24, data, {"smpl29": GOLDEN["joint_regressor"]})


def given(name, key):
    return GOLDEN[f"{name}_in_{key}"].astype(float)


def sample_of(name, root):
    pose, betas, transl = given(name, "pose").reshape(24, 3), given(name, "shape"), given(name, "trans")
    focal, centre = ("f", "c") if name in ("Human36M", "MuCo") else ("focal", "princpt")
    if name == "Human36M":
        turn, shift, rest = given(name, "R"), given(name, "t") / 1000, root.of(betas)
        joints = given(name, "joint_world") / 1000 @ turn.T + shift
        pose[0] = (Rotation.from_matrix(turn) * Rotation.from_rotvec(pose[0])).as_rotvec()
        transl = turn @ (transl + rest) + shift - rest
        labels = {"joints": joints, "joints_valid": np.ones(17, bool), "skeleton": H36M17}
    elif name == "MuCo":
        labels = {"joints": given(name, "keypoints_cam") / 1000, "joints_valid": np.ones(21, bool),
                  "joints_2d": given(name, "keypoints_img"), "joints_2d_valid": np.ones(21, bool),
                  "skeleton": MUCO21}  # fmt: skip
    else:
        points = given(name, "keypoints")
        hips = points[11:13]
        pixels = np.concatenate([points[:, :2], hips[:, :2].mean(0)[None]])
        valid = np.append(points[:, 2] > 0, (hips[:, 2] > 0).all())
        labels = {"joints": np.zeros((18, 3)), "joints_valid": np.zeros(18, bool), "joints_2d": pixels,
                  "joints_2d_valid": valid, "skeleton": COCO18}  # fmt: skip
    (fx, fy), (cx, cy) = given(name, focal), given(name, centre)
    width, height = GOLDEN[f"{name}_in_img_wh"]
    return RawSample(
        image=np.zeros((height, width, 3), np.uint8), intrinsics=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]),
        box=given(name, "bbox_processed"), index=0, smpl=Smpl(pose, betas, transl), **labels,
    )  # fmt: skip


def batch_of(sample, change, body):
    batch = collate([make_crop(sample, SETTINGS, change, rest_root(body))])
    batch["vertices"] = body(batch["pose"], batch["betas"], batch["transl"]).vertices
    return batch


def targets_of(batch, body):
    return make_targets(batch, SPACE, body.joint_regressor("smpl29"), 0)


def close(ours, official, atol=1.5e-4):
    np.testing.assert_allclose(ours.numpy(), official, rtol=0, atol=atol)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", NAMES)
def test_annotated_joints_are_the_official_ones(name, change, body):
    batch = batch_of(sample_of(name, rest_root(body)), CHANGES[change], body)
    targets = targets_of(batch, body)
    official = {key: GOLDEN[f"{name}_{change}_{key}"] for key in
                ("t_orig_joint_img", "t_orig_joint_cam", "m_orig_joint_valid", "m_orig_joint_trunc",
                 "m_is_3D")}  # fmt: skip
    valid = official["m_orig_joint_valid"][:, 0] > 0
    assert batch["joints_2d_valid"][0].tolist() == valid.tolist()
    close(targets.joints[0, valid, :2], official["t_orig_joint_img"][valid, :2])
    assert targets.joints_valid[0, :, 0].tolist() == (official["m_orig_joint_trunc"][:, 0] > 0).tolist()
    three = valid & bool(official["m_is_3D"])
    assert batch["joints_valid"][0].tolist() == three.tolist()
    if three.any():
        close(targets.joints[0, three, 2], official["t_orig_joint_img"][three, 2])
        close((batch["joints"] - batch["joints"][:, :1])[0, three], official["t_orig_joint_cam"][three], 1e-5)
    assert targets.joints_valid[0, :, 2].tolist() == (three & (official["m_orig_joint_trunc"][:, 0] > 0)).tolist()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", NAMES)
def test_fitted_bodies_are_the_official_ones(name, change, body):
    sample = sample_of(name, rest_root(body))
    batch = batch_of(sample, CHANGES[change], body)
    official = {key: GOLDEN[f"{name}_{change}_t_{key}"] for key in
                ("pose_param", "shape_param", "fit_joint_cam", "fit_joint_img", "fit_mesh_img")}  # fmt: skip
    close(batch["pose"][0].flatten(), official["pose_param"], 1e-5)
    close(batch["betas"][0], official["shape_param"], 1e-6)
    joints = body.regress(batch["vertices"], "smpl29")[0]
    close(joints - joints[0], official["fit_joint_cam"], 1e-5)
    if change == "aug":
        batch = as_mirrored_officially(sample, CHANGES[change], body)
    targets = targets_of(batch, body)
    close(targets.fit_joints[0], official["fit_joint_img"])
    close(targets.vertices[0, ::6], official["fit_mesh_img"])
    inside = [GOLDEN[f"{name}_{change}_m_fit_{key}_trunc"][:, 0] > 0 for key in ("joint", "mesh")]
    if GOLDEN[f"{name}_{change}_m_is_valid_fit"] or inside[0].any():
        assert targets.fit_valid[0, :, 0].tolist() == inside[0].tolist()


def as_mirrored_officially(sample, change, body):
    """The release mirrors the body about the image's middle under a camera that it leaves as it was.

    We mirror the camera too, so that joints and pixels stay one scene; with the principal point in the middle both are
    the same. Here: our mirrored body, moved sideways to where the release puts it, under the camera as it was.
    """
    unturned = replace(change, rotation=0.0)
    ours = batch_of(sample, unturned, body)
    width = sample.image.shape[1]
    root = body(ours["pose"], ours["betas"], ours["transl"]).joints[0, 0]
    fx, cx = sample.intrinsics[0, 0], sample.intrinsics[0, 2]
    moved = ours["transl"][0] + torch.tensor([2 * ((width - 1) / 2 - cx) / fx * float(root[2]), 0, 0])
    ours["vertices"] = body(ours["pose"], ours["betas"], moved[None].float()).vertices
    ours["intrinsics"] = torch.from_numpy(sample.intrinsics).float()[None]
    turned = {**sample.__dict__, "smpl": None, "intrinsics": sample.intrinsics}
    # the crop's affine of the mirrored image with the turn inside: that of a scene which is not turned itself
    crop = make_crop(RawSample(**turned), SETTINGS, change, rest_root(body))
    ours["crop_affine"] = _without_scene_turn(crop, sample, change, width)[None]
    return ours


def _without_scene_turn(crop, sample, change, width):
    """`crop_affine` maps the turned scene; put the turn about the mirrored principal point back in front of it."""
    fx, fy, cx, cy = sample.intrinsics[0, 0], sample.intrinsics[1, 1], sample.intrinsics[0, 2], sample.intrinsics[1, 2]
    camera = np.array([[fx, 0, width - 1 - cx], [0, fy, cy], [0, 0, 1.0]])
    cos, sin = np.cos(change.rotation), np.sin(change.rotation)
    turn = camera @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]]) @ np.linalg.inv(camera)
    return torch.from_numpy(crop["crop_affine"].double().numpy() @ turn).float()
