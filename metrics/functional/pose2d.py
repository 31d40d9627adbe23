"""Percentage of correct keypoints in the image, relative to the head."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

PCKH_THRESHOLD = 0.5


def pckh_hits(
    prediction: Float[Tensor, "batch joints 2"],
    target: Float[Tensor, "batch joints 2"],
    valid: Bool[Tensor, "batch joints"] | None,
    top: int,
    neck: int,
    threshold: float = PCKH_THRESHOLD,
) -> tuple[Float64[Tensor, " batch"], Float64[Tensor, " batch"]]:
    """Correct joints of each sample, and the number of joints that count.

    Args:
        prediction: predicted joints, pixels.
        target: true joints, in the same pixels.
        valid: joints that count; all when omitted.
        top: position of the head top.
        neck: position of the neck.
        threshold: fraction of the head's length that a correct joint is at most away.

    Convention:
        Not strict: a joint is correct when its error is **at most** `threshold` times the head's length, as in MPII's
        toolkit. The head's length is the true distance from head top to neck, per sample (MPII itself takes 0.6 of
        the diagonal of its head boxes, which other benchmarks do not have). A NaN error is a miss. A sample whose head
        is not annotated, or has no length, does not count.
    """
    prediction, target = prediction.double(), target.double()
    counted = torch.ones(target.shape[:2], dtype=torch.bool, device=target.device) if valid is None else valid
    head = torch.linalg.vector_norm(target[:, top] - target[:, neck], dim=-1)
    measured = counted[:, top] & counted[:, neck] & (head > 0)
    counted = counted & measured[:, None]
    errors = torch.linalg.vector_norm(prediction - target, dim=-1)
    correct = (errors <= threshold * head[:, None]) & counted
    return correct.sum(1).double(), counted.sum(1).double()


def pckh(
    prediction: Float[Tensor, "batch joints 2"],
    target: Float[Tensor, "batch joints 2"],
    valid: Bool[Tensor, "batch joints"] | None,
    top: int,
    neck: int,
    threshold: float = PCKH_THRESHOLD,
) -> Float64[Tensor, ""]:
    """Percentage of correct joints, pooled over all samples; NaN when no joint counts. See `pckh_hits`."""
    hits, count = pckh_hits(prediction, target, valid, top, neck, threshold)
    return 100 * hits.sum() / count.sum()
