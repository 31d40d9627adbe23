"""Refusal of input that would give a number which means nothing.

Convention:
    The one rule for all metrics: shapes must be exactly those of the signature, nothing is broadcast; masks are
    boolean. NaN and infinity where a point counts are refused by every metric, in predictions and in labels. Pure
    functions check shapes alone and carry NaN into the sample that holds it.
"""

from __future__ import annotations

import torch
from torch import Tensor


def check_points(prediction: Tensor, target: Tensor, valid: Tensor | None = None, dims: int = 3) -> None:
    """Refuse points that do not belong together.

    Args:
        prediction: must be (batch, points, dims).
        target: must have the same shape.
        valid: must be boolean, (batch, points).
        dims: coordinates of a point.

    Raises:
        ValueError: they are not; the message gives the shapes.
    """
    if prediction.ndim != 3 or prediction.shape != target.shape or prediction.shape[-1] != dims:
        shapes = f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)}"
        raise ValueError(f"{shapes} must both be (batch, points, {dims})")
    if valid is not None:
        check_mask(valid, prediction.shape[:2])


def check_shape(tensor: Tensor, shape: tuple[int, ...], name: str) -> None:
    """Refuse a tensor of another shape.

    Raises:
        ValueError: it has one; the message gives both.
    """
    if tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"{name} {tuple(tensor.shape)} must have the shape {tuple(shape)}")


def check_mask(valid: Tensor, shape: torch.Size, name: str = "valid") -> None:
    """Refuse a mask of another shape or type.

    Raises:
        ValueError: it is; the message gives both shapes.
    """
    check_shape(valid, shape, name)
    if valid.dtype != torch.bool:
        raise ValueError(f"{name} must be boolean, not {valid.dtype}: give `mask > 0`")


def check_finite(points: Tensor, valid: Tensor | None, what: str, index: Tensor | None = None) -> None:
    """Refuse NaN and infinity where points count.

    Args:
        points: (samples, points, dims), or (samples, points) without coordinates.
        valid: which points count; all when omitted.
        what: name of the points in the message.
        index: position of each sample in the split, for the message.

    Raises:
        ValueError: there is any; the message says in how many samples, and names the first one.
    """
    wrong = ~torch.isfinite(points)
    wrong = wrong.flatten(2).any(-1) if points.ndim > 2 else wrong
    wrong = wrong if valid is None else wrong & valid.to(wrong.device)
    samples = wrong.any(1).nonzero()[:, 0]
    if len(samples):
        first = int(samples[0] if index is None else index[int(samples[0])])
        raise ValueError(
            f"{what}: NaN or infinity in {len(samples)} of {len(points)} samples, first in sample {first}; predictions "
            f"must be numbers, and labels that are not known marked as invalid"
        )
