"""Where the fit of a body begins: in closed form from a mesh, by inverse kinematics from joints."""

from __future__ import annotations

import numpy as np
import roma
import torch
from jaxtyping import Float
from torch import Tensor

from body.model import BodyModel
from body.shading import unit
from body.skeleton import SMPL24, Skeleton
from datamodules.open_v2.poses.ik import fit_poses
from datamodules.open_v2.poses.start import NEEDED
from zoo.errors import ZooError
from zoo.prediction.fit.gauss_newton import BodyState

_IK_STEPS = 100
_Y_UP = torch.tensor([1.0, -1.0, -1.0])
_FOOT = 0.14  # metres from the ankle to the ball of the foot
# Joints of inverse kinematics -> what stands in for them, the best first; means of several joints.
_STAND_INS: dict[str, tuple[tuple[str, ...], ...]] = {
    "pelvis": (("pelvis_h36m",), ("pelvis_coco",), ("left_hip", "right_hip"), ("left_hip_h36m", "right_hip_h36m")),
    "left_hip": (("left_hip_h36m",),),
    "right_hip": (("right_hip_h36m",),),
    "spine3": (("torso_h36m", "neck_h36m"), ("left_shoulder", "right_shoulder", "left_hip", "right_hip")),
    "neck": (("neck_h36m",), ("left_shoulder", "right_shoulder")),
    "head": (("nose_h36m", "head_top"), ("left_ear", "right_ear")),
}


def start_from_mesh(body: BodyModel, vertices: Float[Tensor, "batch vertices 3"]) -> BodyState:
    """Every joint's rotation is the one that best turns its own skin from the T-pose (orthogonal Procrustes)."""
    weights = body.lbs_weights
    share = weights / weights.sum(0)
    rest = body.v_template
    middle, middle_rest = torch.einsum("vj,bvc->bjc", share, vertices), share.T @ rest
    # sum of w x y^T without the middles' part
    moments = torch.einsum("vj,bva,vc->bjac", share, vertices, rest)
    moments = moments - middle[..., :, None] * middle_rest[..., None, :]
    world = roma.special_procrustes(moments)
    parents = list(SMPL24.parent_indices)
    local = world[:, parents].mT @ world
    local[:, 0] = world[:, 0]
    betas = vertices.new_zeros(len(vertices), body.num_betas)
    placed = body.forward_rotmat(local, betas).vertices
    return BodyState(local, betas, (vertices - placed).mean(1))


def start_from_joints(body: BodyModel, joints: Float[Tensor, "batch joints 3"], skeleton: Skeleton) -> BodyState:
    """The pose by the inverse kinematics of `datamodules.open_v2.poses`, on limbs of each person's own length.

    Args:
        body: whose shape is its mean.
        joints: camera frame, metres.
        skeleton: names the joints.

    Raises:
        ZooError: a limb has no joints in this skeleton.
    """
    points, rides = _ik_points((joints * _Y_UP).double().numpy(), skeleton)
    pose = fit_poses(points, rides, np.arange(len(points)), steps=_IK_STEPS).pose
    rotations = roma.rotvec_to_rotmat(torch.from_numpy(pose)).float()
    rotations[:, 0] = torch.diag(_Y_UP) @ rotations[:, 0]
    betas = joints.new_zeros(len(joints), body.num_betas)
    found = body.posed_joints(rotations, betas)[:, [SMPL24.index(name) for name in rides]]
    return BodyState(rotations, betas, (torch.from_numpy(points).float() * _Y_UP - found).mean(1))


def _ik_points(
    joints: Float[np.ndarray, "batch joints 3"], skeleton: Skeleton
) -> tuple[Float[np.ndarray, "batch points 3"], tuple[str, ...]]:
    """All of SMPL's joints that the skeleton has, and stand-ins for those that inverse kinematics needs; y up."""
    at = {name: joints[:, skeleton.index(name)] for name in skeleton.joints}
    found = {name: at[name] for name in SMPL24.joints if name in at}
    for name in NEEDED:
        for others in _STAND_INS.get(name, ()):
            if name not in found and all(other in at for other in others):
                found[name] = np.mean([at[other] for other in others], 0)
    for side in ("left", "right"):
        if f"{side}_foot" not in found and f"{side}_ankle" in found and {"left_hip", "right_hip", "neck"} <= set(found):
            found[f"{side}_foot"] = _straight_foot(found, side)
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise ZooError(
            f"joints of {skeleton.name} do not determine a pose ({', '.join(missing)} missing); take another --model"
        )
    return np.stack(list(found.values()), 1), tuple(found)


def _straight_foot(at: dict[str, np.ndarray], side: str) -> np.ndarray:
    """Where a foot points that goes on from its ankle: ahead of the pelvis, at a right angle to the shin."""
    shin = unit(at[f"{side}_ankle"] - at[f"{side}_knee"])
    ahead = np.cross(at["left_hip"] - at["right_hip"], at["neck"] - at["pelvis"])
    along = unit(ahead - (ahead * shin).sum(-1, keepdims=True) * shin)
    return np.asarray(at[f"{side}_ankle"] + _FOOT * along)
