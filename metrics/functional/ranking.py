"""Average precision of ranked detections."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

RECALLS = 101
"""COCO samples the curve at recalls 0, 0.01, ..., 1."""


def precision_recall(
    scores: Float[Tensor, " detections"], correct: Bool[Tensor, " detections"], truths: int
) -> tuple[Float64[Tensor, " detections"], Float64[Tensor, " detections"]]:
    """Precision and recall after each detection, from the highest score down.

    Detections of one score keep the order in which they are given.

    Args:
        scores: confidence of each detection.
        correct: whether it found an instance that no earlier one had found.
        truths: number of instances there are to find.
    """
    hits = correct[scores.argsort(descending=True, stable=True)].double().cumsum(0)
    ranks = torch.arange(1, len(hits) + 1, dtype=torch.float64, device=hits.device)
    return hits / ranks, hits / truths


def step_precision(
    precision: Float64[Tensor, " detections"], recall: Float64[Tensor, " detections"]
) -> Float64[Tensor, ""]:
    """Area under the precision-recall curve as steps, without interpolation; 0 without detections."""
    return (precision * recall.diff(prepend=recall.new_zeros(1))).sum()


def coco_precision(
    precision: Float64[Tensor, " detections"], recall: Float64[Tensor, " detections"]
) -> Float64[Tensor, ""]:
    """COCO's average precision: mean over 101 recalls of the best precision at that recall or a higher one."""
    best = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    levels = torch.linspace(0, 1, RECALLS, dtype=torch.float64, device=recall.device)
    first = torch.searchsorted(recall, levels)
    return torch.cat([best, best.new_zeros(1)])[first].mean()
