"""Losses of both stages (section 3.3): parameters, 3D points, 2D points, and the parts of every pixel."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from lightning_modules.nbf.coding import nearest
from lightning_modules.nbf.config import Distance, LatentDistance

_IGNORED = -100


def penalty(
    squared: Float[Tensor, " *shape"], distance: Distance | LatentDistance, width: float
) -> Float[Tensor, " *shape"]:
    """What a residual costs.

    With r the residual and c the width: |r| (`euclidean`, `absolute`), r^2 (`squared`), c^2 r^2 / (c^2 + r^2) (Geman
    and McClure), or c^2 / 3 (1 - (1 - r^2 / c^2)^3) up to r = c and c^2 / 3 beyond (Tukey's biweight). Small residuals
    cost their square under all but the first; large ones at most c^2 and c^2 / 3 under the last two.

    Args:
        squared: squares of the residuals.
        distance: see `NBFLossConfig`.
        width: see `NBFLossConfig.robust_width`.
    """
    bound = width**2
    if distance == "squared":
        return squared
    if distance == "geman_mcclure":
        return bound * squared / (bound + squared)
    if distance == "tukey":
        return bound / 3 * (1 - (1 - squared / bound).clamp(min=0) ** 3)
    return (squared + 1e-12).sqrt()  # the square root alone has an infinite gradient at 0, which a mask turns into NaN


def parameter_loss(
    latent: Float[Tensor, "batch 226"],
    target: Float[Tensor, "batch 226"],
    valid: Bool[Tensor, " batch"],
    distance: LatentDistance = "absolute",
    width: float = 1.0,
) -> Float[Tensor, ""]:
    """Distance of shape and rotation matrices (Eq. 6), mean over all entries with unlabelled samples as zeros.

    As in the release, on the matrices before they are projected to rotations: there the gradient is plain.
    """
    off = latent - target
    cost = off.abs() if distance == "absolute" else penalty(off.square(), distance, width)
    return (cost * valid[:, None]).mean()


def point_loss(
    points: Float[Tensor, "batch points dim"],
    target: Float[Tensor, "batch points dim"],
    valid: Bool[Tensor, "batch points"],
    distance: Distance = "euclidean",
    width: float = 1.0,
) -> Float[Tensor, ""]:
    """Distance of 3D points in metres (Eq. 7), or of 2D points in halves of the picture (Eq. 8).

    Mean over all points, those without a label as zeros.
    """
    squared = torch.where(valid, (points - target).square().sum(-1), 0.0)
    return (penalty(squared, distance, width) * valid).mean()


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
