"""Repeating pictures that are only worked out where somebody looks: colours of a pattern under uneven dirt."""

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
        colours: albedo of a row, a column or all texels; an axis of length one is the same everywhere.
        dirt: noise of mean 0.5, or None.
        strength: of the dirt.
    """

    colours: Float[np.ndarray, "rows columns 3"]
    dirt: Float[np.ndarray, "128 128"] | None = None
    strength: float = 0.0

    def look_up(self, u: Float[np.ndarray, " points"], v: Float[np.ndarray, " points"]) -> Float[np.ndarray, "points 3"]:
        """Albedo of the nearest texels."""
        column = np.floor(u * SIDE).astype(np.int32) & (SIDE - 1)
        row = np.floor(v * SIDE).astype(np.int32) & (SIDE - 1)
        rows, columns, _ = self.colours.shape
        if rows * columns == 1:
            albedo = np.broadcast_to(self.colours[0], (len(column), 3))
        else:
            albedo = self.colours.reshape(-1, 3).take((row if rows > 1 else 0) * columns + column % columns, 0)
        if self.dirt is None:
            return np.array(albedo, np.float32)
        grey = 1 + self.strength * (self.dirt.reshape(-1).take(row * SIDE + column) - np.float32(0.5))
        return np.clip(albedo * grey[:, None], _DARKEST, _BRIGHTEST, dtype=np.float32)
