"""Mean distances between predicted and true points."""

from __future__ import annotations

from itertools import repeat

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.functional.alignment import procrustes_errors
from metrics.functional.checks import check_mask, check_points, check_shape

MILLIMETRES = 1000.0
# Points aligned at a time: their intermediates fit a processor's cache, and memory stays bounded.
_CHUNK_POINTS = 14 * 6144
# glibc keeps freed memory for reuse up to the size of the largest block it has mapped and freed. Without one of 16 MiB
# it hands every chunk's memory back and faults it in again, which takes as long as the arithmetic.
_KEPT_BYTES = 2**24


def point_errors(
    prediction: Float[Tensor, "batch points 3"], target: Float[Tensor, "batch points 3"]
) -> Float64[Tensor, "batch points"]:
    """Euclidean distance of every point.

    Convention:
        Metres in, millimetres out. No alignment.
    """
    check_points(prediction, target)
    return torch.linalg.vector_norm(prediction.double() - target.double(), dim=-1) * MILLIMETRES


def masked_mean(
    errors: Float64[Tensor, "batch points"], valid: Bool[Tensor, "batch points"] | None = None
) -> Float64[Tensor, " batch"]:
    """Mean over the valid points of each sample; NaN for a sample without any."""
    if valid is None:
        return errors.mean(1)
    check_mask(valid, errors.shape)
    return errors.where(valid, 0.0).sum(1) / valid.sum(1)


def median(errors: Float64[Tensor, " samples"]) -> Float64[Tensor, ""]:
    """The middle error, or the mean of the middle two; NaN when there is none or one of them is NaN."""
    ordered, count = errors.sort().values, len(errors)
    if count == 0 or ordered[-1].isnan():  # NaN sorts last
        return errors.new_full((), torch.nan)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def mpjpe(
    prediction: Float[Tensor, "batch joints 3"],
    target: Float[Tensor, "batch joints 3"],
    valid: Bool[Tensor, "batch joints"] | None = None,
    root: int | None = None,
) -> Float64[Tensor, " batch"]:
    """Mean per-joint position error of each sample.

    Args:
        prediction: predicted joints.
        target: true joints.
        valid: joints that count; all when omitted.
        root: position of the joint that both sides are moved to first; no alignment when omitted.

    Convention:
        Metres in, millimetres out. Mean over the valid joints, the root among them (its error is 0). A sample without
        a valid joint, or whose root is not valid, is NaN; NaN in a valid joint makes the sample NaN.
    """
    check_points(prediction, target, valid)
    if root is not None:
        prediction = prediction.double() - prediction[:, root : root + 1].double()
        target = target.double() - target[:, root : root + 1].double()
        valid = None if valid is None else valid & valid[:, root : root + 1]
    return masked_mean(point_errors(prediction, target), valid)


def pa_mpjpe(
    prediction: Float[Tensor, "batch joints 3"],
    target: Float[Tensor, "batch joints 3"],
    valid: Bool[Tensor, "batch joints"] | None = None,
    scaling: bool = True,
) -> Float64[Tensor, " batch"]:
    """MPJPE of each sample after Procrustes alignment of the prediction to the target.

    Args:
        prediction: predicted joints.
        target: true joints.
        valid: joints that are aligned and counted; all when omitted.
        scaling: True for similarity alignment (the usual PA-MPJPE), False for rigid.

    Convention:
        Metres in, millimetres out. Rotations only, no reflections: a mirrored pose keeps its error. Degenerate input
        as in `procrustes`; a sample without a valid joint is NaN. Worked number: two joints 1 m apart against two
        joints 2 m apart are 0 mm apart with scaling, 500 mm without.
    """
    check_points(prediction, target, valid)
    chunk = max(1, _CHUNK_POINTS // max(1, prediction.shape[1]))
    masks = repeat(None) if valid is None else torch.split(valid, chunk)
    parts = zip(torch.split(prediction, chunk), torch.split(target, chunk), masks, strict=False)
    if len(prediction) > chunk:
        torch.empty(_KEPT_BYTES, dtype=torch.uint8)  # freed at once
    chunks = [masked_mean(procrustes_errors(p, t, v, scaling), v) for p, t, v in parts]
    return MILLIMETRES * (torch.cat(chunks) if len(chunks) > 1 else chunks[0])


def pve(
    prediction: Float[Tensor, "batch vertices 3"],
    target: Float[Tensor, "batch vertices 3"],
    prediction_root: Float[Tensor, "batch 3"] | None = None,
    target_root: Float[Tensor, "batch 3"] | None = None,
) -> Float64[Tensor, " batch"]:
    """Per-vertex error of each sample: the mean distance of corresponding vertices.

    Args:
        prediction: predicted vertices.
        target: true vertices.
        prediction_root: root joint of the prediction, subtracted from it; no alignment when omitted.
        target_root: root joint of the target, likewise.

    Convention:
        Metres in, millimetres out. All vertices weigh the same.
    """
    check_points(prediction, target)
    if (prediction_root is None) != (target_root is None):
        raise ValueError("give both roots or neither")
    if prediction_root is not None and target_root is not None:
        check_shape(prediction_root, (len(prediction), 3), "prediction_root")
        check_shape(target_root, (len(prediction), 3), "target_root")
        target = target.double() + (prediction_root.double() - target_root.double())[:, None]
    return point_errors(prediction, target).mean(1)
