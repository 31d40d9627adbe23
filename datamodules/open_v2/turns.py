"""Single rotations in plain floats: for one of them, arrays and their checks take many times longer than the sums."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

Vector = Float[np.ndarray, "3"]
_Quaternion = tuple[float, float, float, float]  # w first


def composed(first: Vector, second: Vector) -> Vector:
    """Axis-angle of the rotation by `second` and then by `first`; its angle is at most pi."""
    a, b, c, d = _quaternion(first)
    w, x, y, z = _quaternion(second)
    real = a * w - b * x - c * y - d * z
    vector = (a * x + b * w + c * z - d * y, a * y - b * z + c * w + d * x, a * z + b * y - c * x + d * w)
    sine = math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    angle = 2 * math.atan2(sine, abs(real))
    scale = math.copysign(angle / sine if sine > 1e-12 else 2.0, real)
    return np.array([scale * part for part in vector])


def carried(rotation: Vector, direction: tuple[float, float, float]) -> tuple[float, float, float]:
    """A direction turned by an axis-angle."""
    w, x, y, z = _quaternion(rotation)
    a, b, c = direction
    p, q, r = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return a + w * p + y * r - z * q, b + w * q + z * p - x * r, c + w * r + x * q - y * p


def _quaternion(rotation: Vector) -> _Quaternion:
    x, y, z = rotation.tolist()
    angle = math.sqrt(x * x + y * y + z * z)
    scale = math.sin(angle / 2) / angle if angle > 1e-12 else 0.5
    return math.cos(angle / 2), x * scale, y * scale, z * scale
