"""Two sides of a comparison."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Bool, Float64
from torch import Tensor


class Pair(NamedTuple):
    """Both sides of one comparison, in float64."""

    prediction: Float64[Tensor, "batch points dims"]
    target: Float64[Tensor, "batch points dims"]
    valid: Bool[Tensor, "batch points"]

    def pick(self, points: list[int]) -> Pair:
        """Some of the points."""
        return Pair(self.prediction[:, points], self.target[:, points], self.valid[:, points])

    def relative(self, origin: Pair) -> Pair:
        """Both sides moved by their own origin; nothing is valid where the origin is not."""
        moved, fixed = self.prediction - origin.prediction, self.target - origin.target
        return Pair(moved, fixed, self.valid & origin.valid)


def per_point(samples: Tensor, points: Tensor) -> Bool[Tensor, "batch points"]:
    """A flag per sample as a flag per point."""
    return (samples.to(points.device) > 0)[:, None].expand(points.shape[:2])
