"""FreiHAND's scores: the area under the PCK curve, and the F-score of two point clouds."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from metrics.functional.distance import MILLIMETRES

CURVE_END, CURVE_STEPS = 50.0, 100
"""Last threshold of the PCK curve in millimetres, and number of thresholds from 0 on."""
F_THRESHOLDS: tuple[float, ...] = (5.0, 15.0)
"""Millimetres."""


def curve_area(errors: Float64[Tensor, "batch points"]) -> Float64[Tensor, " batch"]:
    """Area under each sample's PCK curve, in [0, 1].

    Convention:
        Millimetres in. Not strict: a point is correct when its error is **at most** the threshold. 100 thresholds from
        0 to 50 mm, joined by trapezoids, divided by the curve's length. A NaN error is a miss.
    """
    thresholds = torch.linspace(0, CURVE_END, CURVE_STEPS, dtype=torch.float64, device=errors.device)
    weights = torch.ones_like(thresholds)
    weights[[0, -1]] = 0.5
    # What a point adds when it is correct from threshold k on; nothing when it never is.
    tails = torch.cat([weights.flip(0).cumsum(0).flip(0), weights.new_zeros(1)]) / (CURVE_STEPS - 1)
    first = torch.searchsorted(thresholds, errors.nan_to_num(torch.inf))
    return tails[first].mean(1)


def f_score(
    prediction: Float[Tensor, "batch points 3"],
    target: Float[Tensor, "batch others 3"],
    thresholds: tuple[float, ...] = F_THRESHOLDS,
) -> Float64[Tensor, "batch thresholds"]:
    """Harmonic mean of precision and recall of one point cloud as an image of another, in [0, 1].

    Convention:
        Metres in, thresholds in millimetres. Strict: a point counts when its nearest neighbour in the other cloud is
        **below** the threshold. 0 when none does, and for a cloud with a NaN in it.
    """
    shapes = tuple(prediction.shape), tuple(target.shape)
    if prediction.ndim != 3 or target.ndim != 3 or shapes[0][::2] != shapes[1][::2] or shapes[0][2] != 3:
        raise ValueError(f"point clouds {shapes[0]} and {shapes[1]} must be (batch, points, 3) of one batch")
    limits = torch.tensor(thresholds, dtype=torch.float64, device=prediction.device)
    scores = []
    for ours, true in zip(prediction.double(), target.double(), strict=True):  # one by one: a matrix of all distances
        apart = MILLIMETRES * torch.cdist(ours, true, compute_mode="donot_use_mm_for_euclid_dist")
        precision = (apart.amin(1, keepdim=True) < limits).double().mean(0)
        recall = (apart.amin(0)[:, None] < limits).double().mean(0)
        both = precision + recall
        scores.append((2 * precision * recall / both).where(both > 0, 0.0))
    return torch.stack(scores) if scores else limits.new_zeros(0, len(thresholds))
