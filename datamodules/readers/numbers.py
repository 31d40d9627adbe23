"""Which values of a file are usable numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Shaped

LARGEST = 1e6
"""No pixel, metre or radian of a benchmark is larger."""


def is_number(values: Shaped[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    """Which values are finite and of a size that makes sense."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(values) & (np.abs(values) <= LARGEST)
