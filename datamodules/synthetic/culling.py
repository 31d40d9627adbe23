"""Which rays pass every mesh by, so that they need not be cast: a packet of sixteen is cast or left out as a whole.

Whole packets, since what embree finds where two triangles meet may depend on the other rays of a packet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from datamodules.synthetic.embree import LANES

_MARGIN, _NEAREST = 1e-3, 1e-3


class Silhouettes:
    """Rectangles around meshes as the camera sees them, in units of x / z and y / z.

    Args:
        meshes: vertices of each, camera frame. One that comes behind the camera is taken to be everywhere.
    """

    def __init__(self, meshes: Sequence[Float[np.ndarray, "_ 3"]]) -> None:
        self._boxes = [_silhouette(vertices.T) for vertices in meshes]

    def near(self, directions: Float[np.ndarray, "rays 3"]) -> Int[np.ndarray, " near"]:
        """Rays of the packets that may meet a mesh, in their order; directions have z = 1."""
        x, y = np.ascontiguousarray(directions[:, :2].T)
        near = np.zeros(len(directions), bool)
        for left, right, top, bottom in self._boxes:
            near |= (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
        return _packets_with(near)


def _silhouette(vertices: Float[np.ndarray, "3 vertices"]) -> tuple[float, float, float, float]:
    x, y, z = vertices
    if z.min() < _NEAREST:
        return -np.inf, np.inf, -np.inf, np.inf
    across, down = x / z, y / z
    left, top, right, bottom = (float(end) for end in (across.min(), down.min(), across.max(), down.max()))
    return left - _MARGIN, right + _MARGIN, top - _MARGIN, bottom + _MARGIN


class Shades:
    """Rectangles around meshes as a far light sees them: points beside all of them are lit.

    Args:
        meshes: vertices of each, camera frame.
        world: rotation from the world to the camera frame.
        eye: camera position in the world.
        light: unit vector to the light, in the world.
        softness: by how much every coordinate of the rays to the light differs at most from `light`.
    """

    def __init__(
        self,
        meshes: Sequence[Float[np.ndarray, "_ 3"]],
        world: Float[np.ndarray, "3 3"],
        eye: Float[np.ndarray, "3"],
        light: Float[np.ndarray, "3"],
        softness: float,
    ) -> None:
        across = np.cross(light, np.eye(3)[np.argmin(np.abs(light))])
        across /= np.linalg.norm(across)
        self._axes = np.stack([across, np.cross(light, across), light]).astype(np.float32)
        self._eye = (self._axes @ eye).astype(np.float32)
        rows = (self._axes @ world.T).astype(np.float32)
        placed = [rows @ vertices.T for vertices in meshes]
        self._boxes = [(points.min(1), points.max(1)) for points in placed]
        spread = 1.75 * softness  # sqrt(3) at most: the three coordinates differ together
        self._slope = spread / (1 - spread)

    def near(self, points: Float[np.ndarray, "rays 3"]) -> Int[np.ndarray, " near"]:
        """World points of the packets in which a mesh may stand between a point and the light, in their order."""
        x, y, height = self._axes @ points.T - self._eye[:, None]
        top = max(float(high[2]) for _, high in self._boxes)
        reach = np.maximum(top - height, 0) * self._slope + 10 * _MARGIN  # how far rays stray on their way up
        near = np.zeros(len(points), bool)
        for low, high in self._boxes:
            inside = np.abs(x - (low[0] + high[0]) / 2) - (high[0] - low[0]) / 2 <= reach
            inside &= np.abs(y - (low[1] + high[1]) / 2) - (high[1] - low[1]) / 2 <= reach
            near |= inside & (height <= high[2] + 10 * _MARGIN)
        return _packets_with(near)


def _packets_with(near: Bool[np.ndarray, " rays"]) -> Int[np.ndarray, " near"]:
    """Rows of every packet that has a true one."""
    padded = np.zeros(-(-len(near) // LANES) * LANES, bool)
    padded[: len(near)] = near
    packets = padded.reshape(-1, LANES).view(np.uint64).any(1)
    return np.flatnonzero(np.repeat(packets, LANES)[: len(near)])
