"""How an augmentation moves points: mirrored first, then rotated about the optical axis."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

FLIP = np.array([-1.0, 1.0, 1.0])
"""Factors of a mirrored point."""


def in_plane_rotation(angle: float) -> Float[np.ndarray, "3 3"]:
    """Rotation about the optical axis, x towards y, radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
