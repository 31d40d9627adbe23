"""Percentage of correct keypoints in 3D, and the area under its curve."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.functional.checks import check_points
from metrics.functional.distance import point_errors

PCK_THRESHOLD = 150.0
AUC_THRESHOLDS: tuple[float, ...] = tuple(5.0 * step for step in range(31))
"""0 to 150 mm in steps of 5 mm, as in MPI-INF-3DHP's evaluation."""


def pck_hits(
    prediction: Float[Tensor, "batch joints 3"],
    target: Float[Tensor, "batch joints 3"],
    valid: Bool[Tensor, "batch joints"] | None = None,
    thresholds: tuple[float, ...] = AUC_THRESHOLDS,
) -> tuple[Float64[Tensor, "batch thresholds"], Float64[Tensor, " batch"]]:
    """Correct joints of each sample at each threshold, and the number of valid joints.

    Convention:
        Metres in, thresholds in millimetres. Strict: a joint is correct when its error is **below** the threshold, so
        nothing is correct at 0. A NaN error is a miss. No alignment.
    """
    check_points(prediction, target, valid)
    errors = point_errors(prediction, target)
    counted = torch.ones_like(errors, dtype=torch.bool) if valid is None else valid
    limits = torch.tensor(thresholds, dtype=torch.float64, device=errors.device)
    correct = (errors.unsqueeze(1) < limits[:, None]) & counted.unsqueeze(1)
    return correct.sum(-1).double(), counted.sum(-1).double()


def pck3d(
    prediction: Float[Tensor, "batch joints 3"],
    target: Float[Tensor, "batch joints 3"],
    valid: Bool[Tensor, "batch joints"] | None = None,
    threshold: float = PCK_THRESHOLD,
) -> Float64[Tensor, ""]:
    """Percentage of valid joints whose error is strictly below `threshold` millimetres, pooled over all samples.

    NaN when no joint is valid. For the convention see `pck_hits`.
    """
    hits, count = pck_hits(prediction, target, valid, (threshold,))
    return 100 * hits.sum() / count.sum()


def auc(
    prediction: Float[Tensor, "batch joints 3"],
    target: Float[Tensor, "batch joints 3"],
    valid: Bool[Tensor, "batch joints"] | None = None,
    thresholds: tuple[float, ...] = AUC_THRESHOLDS,
) -> Float64[Tensor, ""]:
    """Mean of `pck3d` over the thresholds, in percent: the area under the PCK curve by rectangles.

    With the default 31 thresholds a perfect prediction scores 30 / 31 = 96.77, because nothing is below 0 mm.
    """
    hits, count = pck_hits(prediction, target, valid, thresholds)
    return 100 * hits.sum(0).mean() / count.sum()
