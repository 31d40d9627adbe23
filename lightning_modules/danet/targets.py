"""What the losses compare the network's answer with, from a batch."""

from __future__ import annotations

from typing import NamedTuple

import roma
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from body.camera import apply_affine, project
from body.skeleton import SMPL24, Skeleton, convert
from datamodules.batch import Batch
from lightning_modules.common.precision import full_precision
from lightning_modules.danet.crop_camera import camera_of_translation, estimate_translation
from lightning_modules.danet.iuv import IuvMaps, maps_of_bytes

_PSEUDO_WEIGHT = 0.5
"""Of places of joints that come from annotations instead of a fitted body."""


class Targets(NamedTuple):
    """Labels of a batch. 3D is in the frame that the network answers in (`facing`)."""

    iuv: IuvMaps
    iuv_valid: Bool[Tensor, " batch"]
    places: Float[Tensor, "batch 24 2"]
    """Of SMPL's joints, in [-1, 1]."""
    place_weights: Float[Tensor, "batch 24"]
    rotations: Float[Tensor, "batch 24 3 3"]
    betas: Float[Tensor, "batch 10"]
    positions: Float[Tensor, "batch 24 3"]
    """Of SMPL's joints, without translation."""
    body_valid: Bool[Tensor, " batch"]
    joints: Float[Tensor, "batch joints 3"]
    """Of the batch's joint set."""
    joints_valid: Bool[Tensor, "batch joints"]
    joints_2d: Float[Tensor, "batch joints 2"]
    """In [-1, 1]."""
    joints_2d_valid: Bool[Tensor, "batch joints"]
    camera: Float[Tensor, "batch 3"]
    """That shows the fitted body where it is."""
    focal: Float[Tensor, " batch"]
    """Of that camera, see `crop_camera`."""


def make_targets(
    batch: Batch,
    skeleton: Skeleton,
    regressor: Float[Tensor, "24 vertices"],
    turn: Float[Tensor, "batch 3 3"],
    focal: Float[Tensor, " batch"],
    cells: int,
) -> Targets:
    """Targets of a batch, on its device.

    Args:
        batch: see `Batch`.
        skeleton: of its joints.
        regressor: SMPL's joints from the body's vertices.
        turn: from the frame that the network answers in to the camera's (`DaNetModule.facing`).
        focal: of the camera that the network answers with (`DaNetModule.focal`).
        cells: side of the maps.
    """
    crop_size, valid = batch["image"].shape[-1], batch["smpl_valid"]
    with full_precision(turn):
        # missing labels are zeros: put them in front of the camera, so that nothing is divided by a depth of 0
        body = torch.where(valid[:, None, None], batch["vertices"], torch.ones_like(batch["vertices"]))
        smpl_joints = regressor @ body
        rotations = roma.rotvec_to_rotmat(batch["pose"])
        rotations = torch.cat([(turn.mT @ rotations[:, 0]).unsqueeze(1), rotations[:, 1:]], 1)
        root = smpl_joints[:, :1] - batch["transl"][:, None]
        positions = (smpl_joints - smpl_joints[:, :1]) @ turn + root
        places = apply_affine(project(smpl_joints, batch["intrinsics"]), batch["crop_affine"]) * (2 / crop_size) - 1
        weights = valid[:, None].expand(places.shape[:2]).float()
        translation = estimate_translation(positions, places, weights, focal)
    joints_2d = batch["joints_2d"] * (2 / crop_size) - 1
    seen, seen_valid = convert(joints_2d, batch["joints_2d_valid"], skeleton, SMPL24, _hips_of(skeleton))
    fitted = valid[:, None]
    return Targets(
        iuv=maps_of_bytes(batch["iuv"], cells),
        iuv_valid=batch["iuv_valid"],
        places=torch.where(fitted[..., None], places, seen),
        place_weights=torch.where(fitted, 1.0, _PSEUDO_WEIGHT * seen_valid),
        rotations=rotations,
        betas=batch["betas"],
        positions=positions,
        body_valid=valid,
        joints=batch["joints"] @ turn,
        joints_valid=batch["joints_valid"],
        joints_2d=joints_2d,
        joints_2d_valid=batch["joints_2d_valid"],
        camera=camera_of_translation(translation, focal),
        focal=focal,
    )


def _hips_of(skeleton: Skeleton) -> dict[str, str]:
    """Hips of a benchmark, which stand for SMPL's where nothing else is known."""
    hips = {f"{joint.partition('_')[0]}_hip": joint for joint in skeleton.joints if "_hip_" in joint}
    return {joint: other for joint, other in hips.items() if joint not in skeleton.joints}
