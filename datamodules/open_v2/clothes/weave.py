"""Repeating pictures that are only worked out where somebody looks: a pattern of two colours under uneven dirt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datamodules.synthetic.texture import SIDE

_DARKEST, _BRIGHTEST = 0.004, 0.95  # of cloth


@dataclass(frozen=True)
class Weave:
    """The look of a cloth; coordinates 0..1 span it once and repeat.

    Attributes:
        first: albedo.
        second: albedo.
        share: of the second colour, in a row, a column or all texels; an axis of length one is the same everywhere.
        dirt: noise of mean 0.5.
        strength: of the dirt.
    """

    first: Float[np.ndarray, "3"]
    second: Float[np.ndarray, "3"]
    share: Float[np.ndarray, "rows columns"]
    dirt: Float[np.ndarray, "128 128"] | None = None
    strength: float = 0.0

    def look_up(
        self, u: Float[np.ndarray, " points"], v: Float[np.ndarray, " points"]
    ) -> Float[np.ndarray, "points 3"]:
        """Albedo of the nearest texels, stored a channel at a time."""
        column = np.floor(u * SIDE).astype(np.int64) & (SIDE - 1)
        row = np.floor(v * SIDE).astype(np.int64) & (SIDE - 1)
        rows, columns = self.share.shape
        share = self.share[row if rows > 1 else 0, column if columns > 1 else 0].astype(np.float32)
        first, second = (np.asarray(colour, np.float32)[:, None] for colour in (self.first, self.second))
        albedo = np.broadcast_to(first + (second - first) * share, (3, len(column)))
        if self.dirt is not None:
            albedo = albedo * (1 + self.strength * (self.dirt[row, column] - np.float32(0.5)))
        return np.clip(albedo, _DARKEST, _BRIGHTEST).T
