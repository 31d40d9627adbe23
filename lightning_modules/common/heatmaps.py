"""Coordinates from heat maps, and the Gaussians that they are drawn with."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from lightning_modules.common.precision import full_precision


def soft_argmax(logits: Float[Tensor, "*batch bins"]) -> Float[Tensor, "*batch"]:
    """Expected bin index under softmax(logits), temperature 1; bins count 0, 1, 2, ... (no half-bin offset).

    Computed in float32 also under autocast: bf16 resolves a 64-bin coordinate to a quarter of a bin only.
    """
    with full_precision(logits):
        dtype = torch.promote_types(logits.dtype, torch.float32)
        bins = torch.arange(logits.shape[-1], dtype=dtype, device=logits.device)
        return functional.softmax(logits, -1, dtype=dtype) @ bins


def soft_argmax_nd(logits: Float[Tensor, "batch points *axes"]) -> Float[Tensor, "batch points dims"]:
    """Expected (x, y) or (x, y, z) under one softmax over all cells of a map (y, x) or volume (z, y, x), in float32."""
    likelihood = functional.softmax(logits.flatten(2), -1, dtype=torch.float32).view_as(logits)
    with full_precision(logits):
        positions = []
        while likelihood.ndim > 3:  # the last axis from the sum over the first ones, those from the sum over the last
            line = likelihood
            while line.ndim > 3:
                line = line.sum(2)
            positions.append(_mean_bin(line))
            likelihood = likelihood.sum(-1)
        positions.append(_mean_bin(likelihood))
    return torch.stack(positions, -1)


def _mean_bin(line: Float[Tensor, "*batch bins"]) -> Float[Tensor, "*batch"]:
    return line @ torch.arange(line.shape[-1], dtype=line.dtype, device=line.device)


def gaussian_profile(
    centre: Float[Tensor, "*batch"], bins: int, sigma: float, floor: float = 1e-8
) -> Float[Tensor, "*batch bins"]:
    """exp(-(i - centre)^2 / (2 sigma^2)) for i = 0 .. bins - 1: one axis of a separable Gaussian, peak 1.

    Args:
        centre: in bins, not rounded.
        bins: length of the axis.
        sigma: in bins.
        floor: smaller values become 0. They are below float32 resolution beside the peak, and left alone would decay
            into subnormal numbers, on which a CPU is up to 20 times slower.
    """
    grid = torch.arange(bins, dtype=centre.dtype, device=centre.device)
    profile = torch.exp((grid - centre.unsqueeze(-1)).square() * (-0.5 / sigma**2))
    return torch.where(profile < floor, 0.0, profile)
