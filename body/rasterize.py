"""Visibility on a small grid of pixels, without a ray-tracing structure: for labels that loaders make by the thousand.

Convention:
    As `raycast.cast_camera`, whose output this is: camera frame, metres, pixel centres at integers, `distance` is
    the depth z. Building embree's structure of a body costs several times as much.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from body.raycast import Hits

_NEAREST = 1e-3  # metres; faces that come nearer are left out


def rasterize(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    camera: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> Hits:
    """What every pixel sees, in row-major order.

    With the projected corners of a face (camera @ corner) as the columns of P, a pixel q = (u, v, 1) sees the face
    where no number in e = P^-1 q is negative. The barycentric weights are then e / sum(e), the depth is 1 / sum(e).

    Args:
        vertices: of one mesh.
        faces: its triangles; both of their sides are seen.
        camera: last row (0, 0, 1), pixels.
        size: width and height of the grid.
    """
    width, height = size
    projected = np.asarray(vertices, np.float64) @ np.asarray(camera, np.float64).T
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = projected[:, :2] / projected[:, 2:]
    pixels[projected[:, 2] < _NEAREST] = np.nan
    corners = pixels[faces]
    with np.errstate(invalid="ignore"):
        low = np.ceil(np.maximum(corners.min(1), 0))
        high = np.floor(np.minimum(corners.max(1), [width - 1, height - 1]))
        near = np.flatnonzero((low <= high).all(1))  # faces whose bounding box holds a pixel centre
    low, extent = low[near].astype(np.int64), (high[near] - low[near]).astype(np.int64) + 1
    count = extent.prod(1)
    which = np.repeat(np.arange(len(near)), count)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    u = low[which, 0] + offset % extent[which, 0]
    v = low[which, 1] + offset // extent[which, 0]
    a, b, c = projected[faces[near]].transpose(1, 0, 2)
    planes = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 1)
    volume = np.einsum("fc,fc->f", a, planes[:, 0])
    flat = np.abs(volume) < 1e-12
    planes /= np.where(flat, np.inf, volume)[:, None, None]
    solution = planes[which, :, 0] * u[:, None] + planes[which, :, 1] * v[:, None] + planes[which, :, 2]
    inside = np.flatnonzero((solution >= 0).all(1) & ~flat[which])
    total = solution[inside].sum(1)
    inside = inside[np.argsort(total)]  # far to near: of several faces at a pixel the last one written stays
    pixel = v[inside] * width + u[inside]
    winner = np.full(width * height, -1)
    winner[pixel] = inside
    return _hits(winner, near[which], solution)


def _hits(
    winner: Int[np.ndarray, " pixels"], face: Int[np.ndarray, " tries"], solution: Float[np.ndarray, "tries 3"]
) -> Hits:
    hit = winner >= 0
    fragment = winner[hit]
    total = solution[fragment].sum(1)
    barycentric, distance = np.zeros((len(winner), 3), np.float32), np.full(len(winner), np.inf, np.float32)
    barycentric[hit], distance[hit] = solution[fragment] / total[:, None], 1 / total
    faces = np.full(len(winner), -1)
    faces[hit] = face[fragment]
    return Hits(np.where(hit, 0, -1), faces, barycentric, distance)
