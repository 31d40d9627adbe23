"""Errors of keypoints in the image, relative to the head, to the torso or to the person's box."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.functional.checks import check_points

PCKH_THRESHOLD = 0.5
TORSO_THRESHOLD = 0.2
BOX_THRESHOLD = 0.1


def torso_length(
    points: Float[Tensor, "batch joints 2"], shoulders: tuple[int, int], hips: tuple[int, int]
) -> Float[Tensor, " batch"]:
    """Distance between the midpoint of the shoulders and that of the hips."""
    middle = points[:, list(shoulders)].mean(1) - points[:, list(hips)].mean(1)
    return torch.linalg.vector_norm(middle, dim=-1)


def box_side(points: Float[Tensor, "batch joints 2"], valid: Bool[Tensor, "batch joints"]) -> Float[Tensor, " batch"]:
    """Longer side of the tight box around the valid points; 0 without any."""
    low = points.masked_fill(~valid[..., None], torch.inf).amin(1)
    high = points.masked_fill(~valid[..., None], -torch.inf).amax(1)
    return (high - low).amax(-1).clamp(min=0)


def hits_within(
    prediction: Float[Tensor, "batch joints 2"],
    target: Float[Tensor, "batch joints 2"],
    counted: Bool[Tensor, "batch joints"],
    limit: Float[Tensor, " batch"],
) -> tuple[Float64[Tensor, " batch"], Float64[Tensor, " batch"]]:
    """Joints of each sample whose error is at most `limit`, and the number of joints that count.

    A NaN error is a miss. A sample whose limit is 0 or NaN does not count.
    """
    counted = counted & (limit > 0)[:, None]
    errors = torch.linalg.vector_norm(prediction - target, dim=-1)
    return ((errors <= limit[:, None]) & counted).sum(1).double(), counted.sum(1).double()


def pckh_hits(
    prediction: Float[Tensor, "batch joints 2"],
    target: Float[Tensor, "batch joints 2"],
    valid: Bool[Tensor, "batch joints"] | None,
    top: int,
    neck: int,
    threshold: float = PCKH_THRESHOLD,
    scored: int | None = None,
) -> tuple[Float64[Tensor, " batch"], Float64[Tensor, " batch"]]:
    """Correct joints of each sample, and the number of joints that count.

    Args:
        prediction: predicted joints, pixels.
        target: true joints, in the same pixels.
        valid: joints that count; all when omitted.
        top: position of the head top.
        neck: position of the neck.
        threshold: fraction of the head's length that a correct joint is at most away.
        scored: so many of the first joints count; all when omitted.

    Convention:
        Not strict: a joint is correct when its error is **at most** `threshold` times the head's length, as in MPII's
        toolkit. The head's length is the true distance from head top to neck, per sample (MPII itself takes 0.6 of
        the diagonal of its head boxes, which other benchmarks do not have). A NaN error is a miss. A sample whose head
        is not annotated, or has no length, does not count.
    """
    check_points(prediction, target, valid, dims=2)
    prediction, target = prediction.double(), target.double()
    counted = torch.ones(target.shape[:2], dtype=torch.bool, device=target.device) if valid is None else valid
    head = torch.linalg.vector_norm(target[:, top] - target[:, neck], dim=-1)
    measured = counted[:, top] & counted[:, neck]
    some = slice(scored)
    return hits_within(prediction[:, some], target[:, some], counted[:, some] & measured[:, None], threshold * head)


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
