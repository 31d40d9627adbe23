"""What the network's output is compared with, and how much each part counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional

from lightning_modules.common.precision import full_precision
from lightning_modules.people.network import PARTS, PeopleOutput


@dataclass(frozen=True)
class PeopleWeights:
    """Factors of the terms.

    Attributes:
        heatmap: cross entropy between a joint's map and a Gaussian.
        place: L1 of x and y, in shares of the crop.
        depth: L1 of depth, metres.
        parts: cross entropy of the parts.
        surface: L1 of U and V where the person is.
        rotation: L1 of the entries of rotation matrices.
        betas: squared error of the shape.
    """

    heatmap: float = 0.3
    place: float = 10.0
    depth: float = 4.0
    parts: float = 1.0
    surface: float = 1.0
    rotation: float = 1.0
    betas: float = 0.02


def heatmap_loss(
    logits: Float[Tensor, "batch joints side side"],
    cells: Float[Tensor, "batch joints 2"],
    valid: Bool[Tensor, "batch joints"],
    sigma: float,
) -> Float[Tensor, ""]:
    """Cross entropy between the softmax over a map and a normalised Gaussian, mean over valid joints.

    A Gaussian is the product of its profiles, so that its own map never exists.

    Args:
        logits: see `PeopleOutput`.
        cells: true x and y.
        valid: which joints count; others may lie anywhere.
        sigma: of the Gaussian in cells.
    """
    side = logits.shape[-1]
    with full_precision(logits):
        logits = logits.float()
        grid = torch.arange(side, dtype=torch.float32, device=logits.device)
        middle = cells.clamp(0, side - 1)
        profile = functional.softmax((grid - middle[..., None]).square() * (-0.5 / sigma**2), -1)
        rows = (logits @ profile[:, :, 0, :, None])[..., 0]
        expected = (rows * profile[:, :, 1]).sum(-1)
        entropy = torch.logsumexp(logits.flatten(2), -1) - expected
        return (entropy * valid).sum() / valid.sum().clamp(min=1)


def masked_l1(
    predicted: Float[Tensor, "batch joints *dims"], true: Tensor, valid: Bool[Tensor, "batch joints *dims"]
) -> Float[Tensor, ""]:
    """Mean absolute error of what is valid."""
    return ((predicted - true).abs() * valid).sum() / valid.sum().clamp(min=1)


def surface_losses(
    parts: Float[Tensor, "batch 25 side side"],
    surface: Float[Tensor, "batch 48 side side"],
    iuv: UInt8[Tensor, "batch 3 labels labels"],
    valid: Bool[Tensor, " batch"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Cross entropy of the parts, of which the background weighs a fifth, and L1 of the true part's U and V.

    Args:
        parts: see `PeopleOutput`.
        surface: see `PeopleOutput`.
        iuv: see `Batch`; its side is a multiple of the maps'.
        valid: which samples have labels.
    """
    step = iuv.shape[-1] // parts.shape[-1]
    part, u, v = iuv[:, :, step // 2 :: step, step // 2 :: step].long().unbind(1)
    weight = torch.where(part > 0, 1.0, 0.2) * valid[:, None, None]
    entropy = functional.cross_entropy(parts.float(), part, reduction="none")
    at = (part - 1).clamp(min=0)[:, None]
    found = torch.cat([surface[:, :PARTS].gather(1, at), surface[:, PARTS:].gather(1, at)], 1)
    person = ((part > 0) & valid[:, None, None])[:, None]
    error = (found.float() - torch.stack([u, v], 1) / 255).abs() * person
    return (entropy * weight).sum() / weight.sum().clamp(min=1), error.sum() / (2 * person.sum()).clamp(min=1)


def body_losses(
    output: PeopleOutput,
    rotations: Float[Tensor, "batch 24 3 3"],
    betas: Float[Tensor, "batch 10"],
    valid: Bool[Tensor, " batch"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """L1 of the rotation matrices' entries, and squared error of the shape; means over valid samples.

    Args:
        output: of the network.
        rotations: true ones, the first as the camera of the crop sees it.
        betas: true shape.
        valid: which samples have them.
    """
    count = valid.sum().clamp(min=1)
    turned = (output.body.rotations - rotations).abs().mean((1, 2, 3))
    shaped = (output.body.betas - betas).square().mean(1)
    return (turned * valid).sum() / count, (shaped * valid).sum() / count
