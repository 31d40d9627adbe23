"""Rigid and similarity alignment of point sets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.functional.order import ordered_sum
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
        return points.double() @ linear.mT + self.translation[:, None]


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
    moved, fixed = _centre(source, valid), _centre(target, valid)
    rotation, scale = _fit(moved, fixed, scaling)
    turned = scale * ordered_sum(rotation.permute(2, 1, 0) * moved.centre[:, None])
    return Alignment(rotation, scale, (fixed.centre - turned).mT)


def procrustes_errors(
    source: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points"] | None = None,
    scaling: bool = True,
) -> Float64[Tensor, "batch points"]:
    """Distance of every point of `source` to its partner after `procrustes`, in the input's unit; 0 where invalid."""
    moved, fixed = _centre(source, valid), _centre(target, valid)
    rotation, scale = _fit(moved, fixed, scaling)
    columns = (rotation.permute(2, 1, 0) * scale).contiguous()
    x, y, z = (columns[k] * moved.offsets[:, k, None] for k in range(3))
    x += y
    x += z
    x -= fixed.offsets
    x *= x
    return ordered_sum(x.transpose(0, 1)).sqrt().mT.contiguous()


@dataclass(frozen=True)
class _Centred:
    """Points about their centroid, samples last, so that operations run over whole vectors.

    Attributes:
        centre: centroid of the valid points, NaN when there is none.
        offsets: points minus centroid, zero where invalid.
        spread: sum of squared offsets, exactly zero when the points coincide.
    """

    centre: Float64[Tensor, "3 batch"]
    offsets: Float64[Tensor, "points 3 batch"]
    spread: Float64[Tensor, "batch"]


def _centre(points: Float[Tensor, "batch points 3"], valid: Bool[Tensor, "batch points"] | None) -> _Centred:
    planes = points.permute(1, 2, 0).contiguous().double()
    if valid is None:
        centre = ordered_sum(planes) / len(planes)
        offsets = planes - centre
    else:
        mask = valid.mT[:, None]
        centre = ordered_sum(planes.where(mask, 0.0)) / mask.sum(0)
        offsets = (planes - centre).where(mask, 0.0)
    spread = ordered_sum((offsets * offsets).flatten(0, 1))
    coincident = spread <= len(planes) * ordered_sum((_COINCIDENT * centre).square())
    return _Centred(centre, offsets, spread.masked_fill(coincident, 0.0))


def _fit(
    moved: _Centred, fixed: _Centred, scaling: bool
) -> tuple[Float64[Tensor, "batch 3 3"], Float64[Tensor, "batch"]]:
    """Rotation and scale."""
    if moved.offsets.shape != fixed.offsets.shape:
        raise ValueError(f"{len(moved.offsets)} points cannot be aligned to {len(fixed.offsets)}, sample by sample")
    columns = moved.offsets.unbind(1)
    planes = torch.stack([ordered_sum(column[:, None] * fixed.offsets) for column in columns])
    planes = planes.masked_fill((moved.spread == 0) | (fixed.spread == 0), 0.0)
    covariance = planes.permute(2, 0, 1)
    rotation = best_rotation(covariance)
    if not scaling:
        return rotation, torch.ones_like(moved.spread)
    overlap = ordered_sum((rotation.permute(2, 1, 0) * planes).flatten(0, 1))
    return rotation, (overlap / moved.spread).where(moved.spread > 0, 1.0)


def align(
    source: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points"] | None = None,
    scaling: bool = True,
) -> Float64[Tensor, "batch points 3"]:
    """`source` moved onto `target`; see `procrustes`."""
    return procrustes(source, target, valid, scaling).apply(source)
