"""Random changes of a batch of samples, drawn on the device: the geometry of `datamodules.augment`, many at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from datamodules.augment import Change


@cache
def constant(values: tuple[Any, ...], device: torch.device) -> Float[Tensor, "..."]:
    """Numbers on a device, sent there once: sending them at every step would make the step wait."""
    return torch.tensor(values, dtype=torch.float32, device=device)


class Changes(NamedTuple):
    """What happens to the geometry of each sample; see `datamodules.augment.Change`."""

    scale: Float[Tensor, " batch"]
    rotation: Float[Tensor, " batch"]
    flip: Bool[Tensor, " batch"]
    shift: Float[Tensor, "batch 2"]
    """By how much of its side the box is off."""

    @staticmethod
    def of(changes: Sequence[Change], device: torch.device) -> Changes:
        """The same changes, without their colours."""
        scale = torch.tensor([c.scale for c in changes], dtype=torch.float64, device=device)
        rotation = torch.tensor([c.rotation for c in changes], dtype=torch.float64, device=device)
        flip = torch.tensor([c.flip for c in changes], device=device)
        return Changes(scale, rotation, flip, torch.zeros(len(changes), 2, dtype=torch.float64, device=device))


@dataclass(frozen=True)
class GeometryRange:
    """How much the geometry of a visit may change.

    Attributes:
        scale: standard deviation of the logarithm of the window's size, cut at two of them.
        shift: standard deviation of the box's place, in sides of the box, cut at two of them.
        rotation_degrees: standard deviation of the in-plane rotation, cut at three of them.
        rotation_probability: share of samples that are rotated.
        upside_down: share of samples that get any rotation at all.
        flip_probability: share of mirrored samples.
    """

    scale: float = 0.15
    shift: float = 0.04
    rotation_degrees: float = 20.0
    rotation_probability: float = 0.6
    upside_down: float = 0.04
    flip_probability: float = 0.5

    def draw(self, count: int, device: torch.device) -> Changes:
        """Random changes of a batch."""
        normal = torch.randn(4, count, dtype=torch.float64, device=device)
        chance = torch.rand(4, count, dtype=torch.float64, device=device)
        turn = math.radians(self.rotation_degrees) * normal[1].clamp(-3, 3) * (chance[0] < self.rotation_probability)
        turn = torch.where(chance[1] < self.upside_down, (2 * chance[2] - 1) * math.pi, turn)
        return Changes(
            scale=torch.exp(self.scale * normal[0].clamp(-2, 2)),
            rotation=turn,
            flip=chance[3] < self.flip_probability,
            shift=self.shift * normal[2:].clamp(-2, 2).T,
        )

    @staticmethod
    def none(count: int, device: torch.device) -> Changes:
        """No change at all."""
        return Changes.of([Change()] * count, device)
