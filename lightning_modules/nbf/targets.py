"""What the fitting network is trained towards, in the frame of the fixed camera."""

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
from lightning_modules.nbf.body_layer import BodyLayer

_SHARE_STEPS = 2**16


class BodyTruth(NamedTuple):
    """Labels of a batch, in the frame of a camera that looks straight at the crop."""

    rotations: Float[Tensor, "batch 24 3 3"]
    """As the body layer takes them."""
    betas: Float[Tensor, "batch 10"]
    joints: Float[Tensor, "batch 24 3"]
    """Metres, without translation."""
    valid: Bool[Tensor, " batch"]
    """Samples with a body."""
    pixels: Float[Tensor, "batch 24 2"]
    """Joints in crop pixels: of the body where there is one, else the annotated ones."""
    pixels_valid: Bool[Tensor, "batch 24"]


@torch.no_grad()
def body_truth(batch: Batch, layer: BodyLayer, view: Float[Tensor, "batch 3 3"], skeleton: Skeleton) -> BodyTruth:
    """Labels of a batch.

    Args:
        batch: any.
        layer: the network's body.
        view: turn from the crop's camera to the photograph's (`rotations.crop_to_camera_rotation`).
        skeleton: of the batch's joints.
    """
    valid = batch["smpl_valid"]
    with full_precision(view):
        turned = roma.rotvec_to_rotmat(batch["pose"])
        seen = torch.cat([(view.mT @ turned[:, 0])[:, None], turned[:, 1:]], 1)
        rotations = layer.from_relative(seen)
        betas = batch["betas"]
        rest = layer.joints(layer.from_relative(turned), betas) + batch["transl"][:, None]
        # bodies that are not there are put before the camera, so that nothing is divided by a depth of 0
        rest = torch.where(valid[:, None, None], rest, torch.ones_like(rest))
        own = apply_affine(project(rest, batch["intrinsics"]), batch["crop_affine"])
    annotated, annotated_valid = torch.zeros_like(own), torch.zeros_like(own[..., 0], dtype=torch.bool)
    if batch["joints_2d_valid"].any():  # a photograph's batch has no joints in any skeleton
        annotated, annotated_valid = convert(batch["joints_2d"], batch["joints_2d_valid"], skeleton, SMPL24)
    pixels = torch.where(valid[:, None, None], own, annotated)
    return BodyTruth(rotations, betas, layer.joints(rotations, betas), valid, pixels, valid[:, None] | annotated_valid)


def labelled(batch: Batch, share: float) -> Bool[Tensor, " batch"]:
    """Samples that may use their 3D labels, always the same ones of a split (Table 4).

    Args:
        batch: any.
        share: of the samples; 1 for all.
    """
    # multiplication by an odd number scatters consecutive indices evenly over the steps
    step = (batch["index"] * 40503) % _SHARE_STEPS
    return batch["smpl_valid"] & (step < round(share * _SHARE_STEPS))
