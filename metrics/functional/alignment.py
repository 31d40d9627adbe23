"""Rigid and similarity alignment of point sets, and root alignment."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.functional.rotation import best_rotation

# Points closer together than this fraction of their distance from the origin are one point: what is left is rounding.
_COINCIDENT = 1e-12


@dataclass(frozen=True)
class Alignment:
    """A similarity transform per sample: `aligned = scale * R @ point + translation`."""

    rotation: Float64[Tensor, "batch 3 3"]
    scale: Float64[Tensor, "batch"]
    translation: Float64[Tensor, "batch 3"]

    def apply(self, points: Float[Tensor, "batch points 3"]) -> Float64[Tensor, "batch points 3"]:
        """Transform points (any of them, not only those that were aligned)."""
        linear = self.scale[:, None, None] * self.rotation
        return torch.baddbmm(self.translation[:, None], points.double(), linear.mT)


def procrustes(
    source: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points"] | None = None,
    scaling: bool = True,
) -> Alignment:
    """Least-squares alignment of `source` to `target` (Umeyama 1991), computed in float64.

    Args:
        source: the points to move (the prediction).
        target: the points to reach (the ground truth).
        valid: points that take part; all when omitted.
        scaling: True for a similarity (rotation, translation, scale), False for a rigid motion.

    Convention:
        Rotations are proper: a mirrored pose cannot be turned into the original. Degenerate input has these answers:
        coincident source points (or a single one) keep rotation and scale 1 and only move to the target's centroid;
        coincident target points give scale 0 (rigid: scale 1) and rotation 1; no valid point, or NaN in a valid one,
        gives NaN translations. Collinear points are aligned as well as any rotation can.
    """
    if source.shape != target.shape:
        raise ValueError(f"source {tuple(source.shape)} and target {tuple(target.shape)} must have one shape")
    source_centre, moved, source_spread = _centred(source.double(), valid)
    target_centre, fixed, target_spread = _centred(target.double(), valid)
    scattered = (source_spread > 0) & (target_spread > 0)
    covariance = (moved.mT @ fixed).masked_fill(~scattered[:, None, None], 0.0)
    rotation = best_rotation(covariance)
    scale = torch.ones_like(source_spread)
    if scaling:
        overlap = (rotation.mT * covariance).sum((-1, -2))
        scale = torch.where(source_spread > 0, overlap / source_spread, scale)
    turned = (rotation @ source_centre.unsqueeze(-1)).squeeze(-1)
    return Alignment(rotation, scale, target_centre - scale[:, None] * turned)


def _centred(
    points: Float64[Tensor, "batch points 3"], valid: Bool[Tensor, "batch points"] | None
) -> tuple[Float64[Tensor, "batch 3"], Float64[Tensor, "batch points 3"], Float64[Tensor, "batch"]]:
    """Centroid of the valid points (NaN when there is none), the points about it, invalid ones at zero, and the sum of
    their squares, which is exactly 0 when the points coincide.
    """  # noqa: D205
    if valid is None:
        centre = points.mean(1)
        offsets = points - centre[:, None]
    else:
        mask = valid.unsqueeze(-1)
        centre = points.where(mask, 0.0).sum(1) / valid.sum(1, keepdim=True)
        offsets = (points - centre[:, None]).where(mask, 0.0)
    flat = offsets.flatten(1)
    spread = torch.linalg.vecdot(flat, flat)
    coincident = spread <= points.shape[1] * (_COINCIDENT * centre).square().sum(1)
    return centre, offsets, spread.masked_fill(coincident, 0.0)


def align(
    source: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points"] | None = None,
    scaling: bool = True,
) -> Float64[Tensor, "batch points 3"]:
    """`source` moved onto `target`; see `procrustes`."""
    return procrustes(source, target, valid, scaling).apply(source)


def root_align(
    points: Float[Tensor, "batch points 3"],
    root: Float[Tensor, "batch 3"],
) -> Float64[Tensor, "batch points 3"]:
    """Points relative to a root joint, in float64."""
    return points.double() - root.double()[:, None]
