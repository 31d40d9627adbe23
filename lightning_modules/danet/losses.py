"""DaNet's losses one by one (sections 4.1 to 4.3), with the release's reductions.

Samples without a label are left out; a batch without any gives zero. `release` squares errors of the body, the paper
takes their absolute values.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from lightning_modules.danet.iuv import IuvMaps


def chart_loss(
    predicted: Float[Tensor, " batch *rest"],
    target: Float[Tensor, " batch *rest"],
    index: Float[Tensor, " batch *rest"],
    valid: Bool[Tensor, " batch"],
    smooth: bool = True,
) -> Float[Tensor, ""]:
    """U or V where its part is seen, and 0 on the background: sum over pixels, mean over the batch.

    Args:
        predicted: per channel.
        target: true values.
        index: true Index; every channel with any of it counts.
        valid: samples with labels; the others count in the mean.
        smooth: smooth L1 (beta 1) as released, or L1 as in the paper.
    """
    counts = (index > 0) & valid.view(-1, *[1] * (index.ndim - 1))
    errors = functional.smooth_l1_loss(predicted, target, reduction="none") if smooth else (predicted - target).abs()
    return (errors * counts).sum() / len(predicted)


def label_loss(
    logits: Float[Tensor, "batch classes *pixels"], labels: Int[Tensor, " batch *pixels"], valid: Bool[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Cross entropy, mean over the pixels of samples with labels."""
    if not valid.any():
        return logits.sum() * 0.0
    ignored = torch.where(valid.view(-1, *[1] * (labels.ndim - 1)), labels, -100)  # cross entropy's ignored label
    return functional.cross_entropy(logits.float(), ignored)


def map_losses(
    predicted: IuvMaps, target: IuvMaps, valid: Bool[Tensor, " batch"], smooth: bool = True
) -> dict[str, Tensor]:
    """`u`, `v` and `index` of the whole body's maps."""
    return {
        "u": chart_loss(predicted.u, target.u, target.part, valid, smooth),
        "v": chart_loss(predicted.v, target.v, target.part, valid, smooth),
        "index": label_loss(predicted.part, target.labels(), valid),
    }


def partial_losses(
    predicted: IuvMaps, target: IuvMaps, valid: Bool[Tensor, " batch"], smooth: bool = True
) -> dict[str, Tensor]:
    """The same for the joints' maps, means over joints; the true ones are resampled, so their Index has fractions."""
    joints = predicted.u.shape[1]
    return {
        "partial_u": chart_loss(predicted.u, target.u, target.part, valid, smooth) / joints,
        "partial_v": chart_loss(predicted.v, target.v, target.part, valid, smooth) / joints,
        "partial_index": label_loss(
            predicted.part.flatten(0, 1), target.labels().flatten(0, 1), valid.repeat_interleave(joints)
        ),
    }


def point_losses(
    predicted: IuvMaps,
    points: Float[Tensor, "batch points 5"],
    points_valid: Bool[Tensor, "batch points"],
    crop_size: int,
) -> dict[str, Tensor]:
    """`point_u`, `point_v` and `point_index` at DensePose-COCO's points.

    As released: sums over all points for U and V; for Index a mean in which every empty slot of an annotated sample is
    a background point in the corner.

    Args:
        predicted: the whole body's maps.
        points: x, y (crop pixels), part, U and V.
        points_valid: those that are annotated.
        crop_size: side of the crop.
    """
    annotated = points_valid.any(1)
    if not annotated.any():
        return {f"point_{name}": predicted.u.sum() * 0.0 for name in ("u", "v", "index")}
    points, valid = points[annotated], points_valid[annotated]
    grid = torch.where(valid[..., None], points[..., :2] * (2 / crop_size), 0.0).unsqueeze(1) - 1
    part = torch.where(valid, points[..., 2], 0.0).long()
    losses = {}
    for name, values, true in (("u", predicted.u, points[..., 3]), ("v", predicted.v, points[..., 4])):
        sampled = sample(values[annotated], grid).gather(1, part.unsqueeze(1)).squeeze(1)
        errors = functional.smooth_l1_loss(sampled, true, reduction="none")
        losses[f"point_{name}"] = (errors * valid).sum()
    losses["point_index"] = functional.cross_entropy(sample(predicted.part[annotated], grid).float(), part)
    return losses


def sample(
    maps: Float[Tensor, "batch channels height width"], grid: Float[Tensor, "batch 1 points 2"]
) -> Float[Tensor, "batch channels points"]:
    """Bilinear values at places in [-1, 1]."""
    return functional.grid_sample(maps, grid.to(maps.dtype), align_corners=True).squeeze(2)


def mask_loss(
    coarse: Float[Tensor, "batch 15 height width"],
    mask: UInt8[Tensor, "batch size size"],
    valid: Bool[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """Cross entropy of the coarse mask against DensePose-COCO's."""
    step = mask.shape[-1] // coarse.shape[-1]
    return label_loss(coarse, mask[:, step // 2 :: step, step // 2 :: step].long(), valid)


def place_loss(
    predicted: Float[Tensor, "batch joints 2"],
    target: Float[Tensor, "batch joints 2"],
    weights: Float[Tensor, "batch joints"],
    smooth: bool = True,
) -> Float[Tensor, ""]:
    """Joints' places in the map, in [-1, 1]: sum over joints, mean over the batch (L_roi of Eq. 3)."""
    errors = functional.smooth_l1_loss(predicted, target, reduction="none") if smooth else (predicted - target).abs()
    return (errors * weights.unsqueeze(-1)).sum() / len(predicted)


def keypoint_loss(
    predicted: Float[Tensor, "batch points dims"],
    target: Float[Tensor, "batch points dims"],
    valid: Bool[Tensor, "batch points"],
    samples: Bool[Tensor, " batch"] | None = None,
    squared: bool = True,
) -> Float[Tensor, ""]:
    """Mean over all points of `samples` (all of them when omitted), the unknown ones as zeros."""
    difference = (predicted - target) * valid.unsqueeze(-1)
    errors = difference.square() if squared else difference.abs()
    if samples is None:
        return errors.mean()
    return masked_mean(errors, samples)


def masked_mean(errors: Float[Tensor, " batch *rest"], samples: Bool[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Mean over some samples; zero if there are none."""
    total = (errors * samples.view(-1, *[1] * (errors.ndim - 1))).sum()
    return total / (samples.sum() * errors[0].numel()).clamp(min=1)


def parameter_loss(
    predicted: Float[Tensor, " batch *rest"],
    target: Float[Tensor, " batch *rest"],
    valid: Bool[Tensor, " batch"],
    squared: bool = True,
) -> Float[Tensor, ""]:
    """Mean error of rotation matrices or shape coefficients, over samples with a fitted body."""
    difference = predicted - target
    return masked_mean(difference.square() if squared else difference.abs(), valid)


def position_loss(
    predicted: Float[Tensor, "batch joints 3"], target: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """L1 of the joints that position features tell: sum over coordinates, mean over samples with a fitted body."""
    return masked_mean((predicted - target).abs(), valid) * predicted[0].numel()


def orthogonality_loss(matrices: Float[Tensor, "batch joints 3 3"], squared: bool = True) -> Float[Tensor, ""]:
    """How far predicted matrices are from rotations: R R^T from the identity.

    Args:
        matrices: as predicted.
        squared: mean square of the entries, as released; else L_orth of the paper, the sum over joints of the norm,
            mean over the batch.
    """
    rest = matrices @ matrices.mT - torch.eye(3, device=matrices.device)
    if squared:
        return rest.square().mean()
    return (rest.square().sum((-1, -2)) + 1e-12).sqrt().sum(1).mean()


def camera_loss(camera: Float[Tensor, "batch 3"]) -> Float[Tensor, ""]:
    """Keeps scales positive: mean of exp(-10 s)^2."""
    return torch.exp(-10 * camera[:, 0]).square().mean()
