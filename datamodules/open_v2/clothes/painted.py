"""Clothes that cling: the body's own surface, coloured and a little inflated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from datamodules.open_v2.clothes.cloth import Cloth

Points = Float[np.ndarray, "points 3"]
Zone = Literal["top", "bottom", "feet", "cap", "hands"]
_ARM = 0.185  # metres from the middle at which the trunk ends
_WRIST = 0.69


@dataclass(frozen=True)
class Painted:
    """A tight piece of clothing, bounded on the template (metres, T-pose; see `looks`).

    Attributes:
        cloth: what it is made of.
        zone: what it covers.
        loose: how far it stands off, metres.
        sleeve: a top ends here along the arm.
        low: height at which it ends below.
        high: height at which it ends above.
        neckline: a top is open at the front to this depth.
        cut: how steeply the legs of swimwear are cut, 0 for trousers.
    """

    cloth: Cloth
    zone: Zone
    loose: float
    sleeve: float = 0.0
    low: float = -9.0
    high: float = 9.0
    neckline: float = 0.03
    cut: float = 0.0

    def mask(self, points: Points) -> Bool[np.ndarray, " points"]:
        """Which template points it covers."""
        x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
        if self.zone == "top":
            return self._top(x, y, z)
        if self.zone == "cap":
            return np.asarray((y > self.low + 0.25 * (z - 0.05)) & (x < 0.084))
        if self.zone == "hands":
            return x > _WRIST
        return np.asarray((x < 0.35) & (y < self.high) & (y > self.low + self.cut * x))

    def _top(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Bool[np.ndarray, " points"]:
        front = 0.01 if self.neckline > 0.06 else 0.03
        opening = (y > 0.441 + 0.25 * x) | ((z > front) & (y > 0.415 - self.neckline + 0.9 * x) & (x < 0.2))
        body = (y > self.low + self.cut * x) & (y < self.high) & ~opening
        if self.sleeve < _ARM:  # sleeveless: an armhole around the shoulder
            return np.asarray(
                body & (x < self.sleeve - 0.12 * np.clip(y - 0.25, 0, 0.1)) | (body & (x < 0.21) & (y < 0.3))
            )
        return np.asarray((x < self.sleeve) & np.where(x > _ARM, y > 0.2, body))
