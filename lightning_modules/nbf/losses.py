"""Losses of both stages (section 3.3): parameters, 3D joints, 2D joints, and the parts of every pixel."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from lightning_modules.nbf.coding import nearest
from lightning_modules.nbf.config import Distance

"""Of joints: the release's, and the one that the paper writes."""

_IGNORED = -100


def parameter_loss(
    latent: Float[Tensor, "batch 226"], target: Float[Tensor, "batch 226"], valid: Bool[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """L1 on shape and rotation matrices (Eq. 6), mean over all entries with unlabelled samples as zeros.

    As in the release, on the matrices before they are projected to rotations: there the gradient is plain.
    """
    return ((latent - target).abs() * valid[:, None]).mean()


def joint_loss(
    joints: Float[Tensor, "batch joints dim"],
    target: Float[Tensor, "batch joints dim"],
    valid: Bool[Tensor, "batch joints"],
    distance: Distance = "euclidean",
) -> Float[Tensor, ""]:
    """Distance of 3D joints in metres (Eq. 7), or of 2D joints in halves of the picture (Eq. 8).

    Mean over all joints, those without a label as zeros.
    """
    squared = torch.where(valid, (joints - target).square().sum(-1), 0.0)
    # the square root alone has an infinite gradient at 0, which a mask turns into NaN
    return (squared if distance == "squared" else (squared + 1e-12).sqrt() * valid).mean()


def part_loss(
    logits: Float[Tensor, "batch labels rows columns"],
    parts: Int[Tensor, "batch size size"],
    valid: Bool[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """Cross entropy at the resolution of the logits, mean over the pixels of samples with labels."""
    small = nearest(parts, logits.shape[-1])
    if not valid.any():
        return logits.sum() * 0.0
    small = torch.where(valid[:, None, None], small, _IGNORED)
    return functional.cross_entropy(logits.float(), small, ignore_index=_IGNORED)
