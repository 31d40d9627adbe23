"""Blur, smears and low resolution of a batch, each sample its own, as products with small matrices."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def resampling_matrix(
    sigma: Float[Tensor, " batch"], step: Float[Tensor, " batch"], size: int
) -> Float[Tensor, "batch size size"]:
    """What a line of pixels becomes: Gaussian blur, samples every `step` pixels, and linear interpolation of those.

    Convention:
        `new = matrix @ old`; rows sum to 1. Samples lie at (k + 0.5) * step - 0.5. With a step of 1 it is a blur, and
        with a sigma near 0 besides the identity.

    Args:
        sigma: of the blur, pixels.
        step: distance of the samples, pixels, at least 1.
        size: length of a line.
    """
    places = torch.arange(size, dtype=torch.float32, device=sigma.device)
    sigma, step = sigma.clamp(min=0.05)[:, None, None], step[:, None, None]
    samples = (places[:, None] + 0.5) * step - 0.5
    blurred = torch.exp(-0.5 * ((places - samples) / sigma).square())
    blurred = blurred / blurred.sum(-1, keepdim=True).clamp(min=1e-6)
    coarse = ((places[:, None] + 0.5) / step - 0.5).clamp(min=0)
    last = ((size + 0.5) / step - 1).floor().clamp(min=0)  # the last sample that lies in the line
    weight = (1 - (coarse.minimum(last) - places).abs()).clamp(min=0)
    return weight @ blurred


def resample(
    image: Float[Tensor, "batch 3 size size"], vertical: Float[Tensor, "batch size size"], across: Tensor
) -> Float[Tensor, "batch 3 size size"]:
    """An image whose columns and rows are each multiplied by their matrix."""
    return vertical[:, None] @ image @ across.mT[:, None]
