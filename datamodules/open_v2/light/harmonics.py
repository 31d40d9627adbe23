"""Spherical harmonics up to order 2: diffuse light of a whole surrounding in nine numbers a channel.

Convention:
    Real, orthonormal; in the order (0,0), (1,-1), (1,0), (1,1), (2,-2), (2,-1), (2,0), (2,1), (2,2) of Ramamoorthi and
    Hanrahan, "An efficient representation for irradiance environment maps" (SIGGRAPH 2001), with their z for our up: a
    direction here is (x, y, z) with y up, its polar axis is y.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_CONVOLVED = np.array([np.pi, *[2 * np.pi / 3] * 3, *[np.pi / 4] * 5], np.float32)  # their A_l


def basis(directions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 9"]:
    """The nine functions at unit directions."""
    x, z, y = directions[:, 0], directions[:, 1], directions[:, 2]
    columns = [
        np.full_like(x, 0.282095),
        0.488603 * y,
        0.488603 * z,
        0.488603 * x,
        1.092548 * x * y,
        1.092548 * y * z,
        0.315392 * (3 * z * z - 1),
        1.092548 * x * z,
        0.546274 * (x * x - y * y),
    ]
    return np.stack(columns).T  # a function after the other in memory, which is faster for many directions


def irradiance(radiance: Float[np.ndarray, "9 3"], normals: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Irradiance over pi, which is what a white matt surface sends out, of radiance given by its coefficients."""
    folded = (radiance * _CONVOLVED[:, None] / np.pi).astype(np.float32)
    return np.maximum(folded.T @ basis(normals).T, 0).T
