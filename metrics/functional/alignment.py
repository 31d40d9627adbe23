"""Rigid and similarity alignment of point sets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.functional.checks import check_points
from metrics.functional.order import ordered_sum
from metrics.functional.rotation import best_orthogonal, best_rotation

# Points closer together than this fraction of their distance from the origin are one point: what is left is rounding.
_COINCIDENT = 1e-12


@dataclass(frozen=True)
class Alignment:
    """A similarity transform per sample: `aligned = scale * R @ point + translation`."""

    rotation: Float64[Tensor, "batch 3 3"]
    scale: Float64[Tensor, " batch"]
    translation: Float64[Tensor, "batch 3"]

    def apply(self, points: Float[Tensor, "batch points 3"]) -> Float64[Tensor, "batch points 3"]:
        """Transform points (any of them, not only those that were aligned)."""
        columns = (self.scale[:, None, None] * self.rotation).mT[:, None].unbind(2)
        x, y, z = points.double()[..., None].unbind(2)
        # Not a matrix product: its rounding depends on how many samples there are.
        return x * columns[0] + y * columns[1] + z * columns[2] + self.translation[:, None]


def procrustes(
    source: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points"] | None = None,
    scaling: bool = True,
    reflection: bool = False,
) -> Alignment:
    """Least-squares alignment of `source` to `target` (Umeyama 1991), computed in float64.

    Args:
        source: the points to move (the prediction).
        target: the points to reach (the ground truth).
        valid: points that take part; all when omitted.
        scaling: True for a similarity (rotation, translation, scale), False for a rigid motion.
        reflection: True to allow reflections, as FreiHAND's evaluation does: a mirrored pose then scores 0.

    Convention:
        Rotations are proper (unless `reflection`): a mirrored pose cannot be rotated into the original. Degenerate
        input is handled so: coincident source points (or a single one) keep rotation and scale 1 and only move to
        the target's centroid; coincident target points give scale 0 (rigid: scale 1) and rotation 1; no valid point,
        or NaN in a valid one, gives NaN translations. Collinear points are aligned as well as any rotation can.
    """
    check_points(source, target, valid)
    moved, fixed = _centre(source, valid), _centre(target, valid)
    rotation, scale = _fit(moved, fixed, scaling, reflection)
    rotated = scale * ordered_sum(rotation.permute(2, 1, 0) * moved.centre[:, None])
    return Alignment(rotation, scale, (fixed.centre - rotated).mT)


def procrustes_errors(
    source: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points"] | None = None,
    scaling: bool = True,
) -> Float64[Tensor, "batch points"]:
    """Distance of every point of `source` to its partner after `procrustes`, in the input's unit; 0 where invalid."""
    check_points(source, target, valid)
    moved, fixed = _centre(source, valid), _centre(target, valid)
    rotation, scale = _fit(moved, fixed, scaling, reflection=False)
    linear = rotation.permute(1, 2, 0) * scale
    squares = []
    for row, goal in zip(linear, fixed.offsets, strict=True):
        miss = row[0] * moved.offsets[0]
        miss += row[1] * moved.offsets[1]
        miss += row[2] * moved.offsets[2]
        miss -= goal
        squares.append(miss.square_())
    return (squares[0] + squares[1] + squares[2]).sqrt_().mT.contiguous()


@dataclass(frozen=True)
class _Centred:
    """Points about their centroid, coordinates first and samples last, so that operations run over whole vectors.

    Attributes:
        centre: centroid of the valid points, NaN when there is none.
        offsets: points minus centroid, zero where invalid.
    """

    centre: Float64[Tensor, "3 batch"]
    offsets: Float64[Tensor, "3 points batch"]


def _centre(points: Float[Tensor, "batch points 3"], valid: Bool[Tensor, "batch points"] | None) -> _Centred:
    planes = points.detach().permute(2, 1, 0).clone(memory_format=torch.contiguous_format).double()
    if valid is not None:
        planes = planes.where(valid.mT, 0.0)
    count = planes.shape[1] if valid is None else valid.mT.sum(0)
    centre = torch.stack([ordered_sum(plane) for plane in planes]) / count
    planes -= centre[:, None]
    return _Centred(centre, planes if valid is None else planes.where(valid.mT, 0.0))


def _fit(
    moved: _Centred, fixed: _Centred, scaling: bool, reflection: bool
) -> tuple[Float64[Tensor, "batch 3 3"], Float64[Tensor, " batch"]]:
    """Rotation and scale."""
    points = moved.offsets.shape[1]
    spread = ordered_sum(torch.stack([ordered_sum(plane * plane) for plane in moved.offsets]))
    spread = spread.masked_fill(spread <= points * _rounding(moved.centre), 0.0)
    planes = torch.stack([ordered_sum(x * y) for x in moved.offsets for y in fixed.offsets])
    # Either set in one point: what is left of the covariance is rounding (Cauchy-Schwarz bounds it).
    noise = points * _rounding(fixed.centre) * spread
    planes = planes.masked_fill((spread == 0) | (ordered_sum(planes * planes) <= noise), 0.0)
    rotation = (best_orthogonal if reflection else best_rotation)(planes.T.reshape(-1, 3, 3))
    if not scaling:
        return rotation, torch.ones_like(spread)
    overlap = ordered_sum(rotation.permute(2, 1, 0).flatten(0, 1) * planes)
    return rotation, (overlap / spread).where(spread > 0, 1.0)


def _rounding(centre: Float64[Tensor, "3 batch"]) -> Float64[Tensor, " batch"]:
    """Squared distance below which points at `centre` are one point."""
    return ordered_sum((_COINCIDENT * centre).square())


def align(
    source: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch points 3"],
    valid: Bool[Tensor, "batch points"] | None = None,
    scaling: bool = True,
    reflection: bool = False,
) -> Float64[Tensor, "batch points 3"]:
    """`source` moved onto `target`; see `procrustes`."""
    return procrustes(source, target, valid, scaling, reflection).apply(source)
