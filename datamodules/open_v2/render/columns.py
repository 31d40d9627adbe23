"""Arrays of points that are stored a coordinate at a time: numpy then works on long rows, several times faster.

Their shapes are as everywhere, (points, 3); only the memory is in Fortran's order.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

Column = Float[np.ndarray, " points"]


def columns(*parts: Column) -> Float[np.ndarray, "points coordinates"]:
    """Points of their coordinates."""
    return np.stack(parts).T


def rows_of(values: Float[np.ndarray, "values channels"], rows: Int[np.ndarray, " rows"]) -> np.ndarray:
    """Some of the points."""
    return values.T.take(rows, 1).T


def dot(first: Float[np.ndarray, "points 3"], second: Float[np.ndarray, "points 3"]) -> Column:
    """Inner products of points."""
    return first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1] + first[:, 2] * second[:, 2]


def cross(first: Float[np.ndarray, "points 3"], second: Float[np.ndarray, "points 3"]) -> np.ndarray:
    """Cross products of points; numpy's own is made for any axis and takes several times longer."""
    a, b, c = first.T
    x, y, z = second.T
    return columns(b * z - c * y, c * x - a * z, a * y - b * x)


def blend(
    values: Float[np.ndarray, "vertices channels"],
    corners: Int[np.ndarray, "3 rays"],
    barycentric: Float[np.ndarray, "rays 3"],
) -> Float[np.ndarray, "rays channels"]:
    """Values of vertices interpolated in triangles."""
    blended = values.T.take(corners[0], 1) * barycentric[:, 0]
    for corner in (1, 2):
        blended += values.T.take(corners[corner], 1) * barycentric[:, corner]
    return blended.T


def corners_of(faces: Int[np.ndarray, "faces 3"], chosen: Int[np.ndarray, " rays"]) -> Int[np.ndarray, "3 rays"]:
    """First, second and third vertices of some faces."""
    return np.ascontiguousarray(faces.take(chosen, 0).T, np.intp)
