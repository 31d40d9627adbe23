"""Light and dark of creases that are too fine for the meshes: a few repeating pictures, made once a process."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float

from datamodules.synthetic.texture import SIDE, noise

COUNT = 12
_PER_METRE = 2.1
_BENDS = np.array([[0.44, 0.40, 0.10], [0.19, 0.36, 0.09], [0.13, -0.48, 0.10], [0.10, -0.10, 0.13], [0.0, 0.02, 0.16]])
"""|x|, y and reach of elbow, armpit, knee, groin and waist on the template, metres."""


@cache
def wrinkle_map(number: int) -> Float[np.ndarray, "128 128"]:
    """Shade of mean about 0: how much lighter or darker cloth is there than where it is smooth."""
    rng = np.random.Generator(np.random.PCG64(number))
    height = np.zeros((SIDE, SIDE), np.float32)
    for coarsest, share in ((2, 1.0), (4, 0.6)):
        ridge = 1 - np.abs(2 * noise(rng, coarsest) - 1)
        # creases are longer than they are wide: half of a picture that is stretched to twice its width
        stretched = cv2.resize(np.tile(ridge, (1, 2))[:, :SIDE], (SIDE, SIDE)) if number % 2 else ridge
        height += share * stretched**3
    angle = rng.uniform(-0.8, 0.8)
    dy, dx = (np.roll(height, -1, axis) - np.roll(height, 1, axis) for axis in (0, 1))
    slope = np.cos(angle) * dy + np.sin(angle) * dx
    valley = height - cv2.GaussianBlur(np.tile(height, (3, 3)), (0, 0), 6)[SIDE : 2 * SIDE, SIDE : 2 * SIDE]
    shade = slope / slope.std() + 0.6 * valley / valley.std()
    return np.asarray((shade / shade.std()).clip(-2.5, 2.5), np.float32)


def wrinkle_shade(
    number: int,
    u: Float[np.ndarray, " points"],
    v: Float[np.ndarray, " points"],
    points: Float[np.ndarray, "points 3"],
    strength: float,
) -> Float[np.ndarray, " points"]:
    """Factor of the albedo of cloth; creases are deepest where the body bends.

    Args:
        number: which picture.
        u: along the cloth, metres.
        v: across.
        points: on the template.
        strength: standard deviation of the shade where creases are deep.
    """
    column = np.floor(u * (_PER_METRE * SIDE)).astype(np.int64) % SIDE
    row = np.floor(v * (_PER_METRE * SIDE)).astype(np.int64) % SIDE
    x, y = np.abs(points[:, 0]), points[:, 1]
    depth = np.full(len(points), 0.4, np.float32)
    for bx, by, reach in _BENDS:
        apart = ((x - bx) ** 2 + (y - by) ** 2) * (1 / reach**2)
        depth += 0.6 / (1 + apart * apart)
    shade = wrinkle_map(number)[row, column] * np.minimum(depth, 1)
    return np.asarray(np.maximum(1 + strength * shade, 0.25), np.float32)
