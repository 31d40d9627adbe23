"""Part and chart coordinates of the person that the labels describe, also below clothes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

from body.uv import SurfaceCharts
from datamodules.open_v2.render.columns import corners_of, dot, rows_of
from datamodules.open_v2.render.trace import Seen
from datamodules.open_v2.types import Layer


class SurfaceMapper:
    """Charts prepared for looking up many points: each face's corners in the frame of its chart.

    Args:
        charts: of the body's template.
        faces: of the body.
    """

    def __init__(self, charts: SurfaceCharts, faces: Int[np.ndarray, "faces 3"]) -> None:
        part = charts.face_part.astype(np.int64) - 1
        offset = charts.vertices[faces] - charts.centre[part][:, None]
        self._faces, self._part = faces, charts.face_part
        local = np.einsum("fij,fkj->fki", charts.frame[part], offset)
        local[..., 0] = (local[..., 0] - charts.start[part][:, None]) / charts.length[part][:, None]
        self._corners = np.ascontiguousarray(local.transpose(1, 2, 0), np.float32)  # corner, axis, face

    def iuv(
        self,
        pixels: Int[np.ndarray, " pixels"],
        seen: Seen,
        own: Sequence[Layer],
        body: Float[np.ndarray, "vertices 3"],
        intrinsics: Float[np.ndarray, "3 3"],
        size: int,
    ) -> UInt8[np.ndarray, "size size 3"]:
        """IUV of every pixel whose centre sees the person.

        Args:
            pixels: numbers (row-major) of the pixels whose centre sees something.
            seen: what they see.
            own: the person's layers, which must be the first ones of the picture.
            body: the posed bare body, camera frame.
            intrinsics: pixels.
            size: side of the picture.
        """
        iuv = np.zeros((size * size, 3), np.uint8)
        face, starts = _body_faces(own)
        rows = np.flatnonzero(seen.layer < len(own))
        below = face[starts[seen.layer[rows]] + seen.face[rows]]
        rows, below = rows[below >= 0], below[below >= 0]
        pixels, depth = pixels[rows], seen.depth[rows]
        image = np.stack([pixels % size, pixels // size, np.ones_like(pixels)]).astype(np.float32)
        points = (np.linalg.inv(intrinsics).astype(np.float32) @ image * depth).T
        corners = corners_of(self._faces, below)
        body = np.asfortranarray(body, np.float32)
        weights = _closest(points, [rows_of(body, corner) for corner in corners])
        along, across, ahead = (
            sum(self._corners[corner, axis].take(below) * weights[corner] for corner in range(3)) for axis in range(3)
        )
        u = np.float32(0.5) + np.arctan2(ahead, across) * np.float32(0.5 / np.pi)
        iuv[pixels, 0] = self._part[below]
        iuv[pixels, 1], iuv[pixels, 2] = (np.rint(chart.clip(0, 1) * 255) for chart in (u, along))
        return iuv.reshape(size, size, 3)


def _body_faces(own: Sequence[Layer]) -> tuple[Int[np.ndarray, " faces"], Int[np.ndarray, " layers"]]:
    """The body's face below each face of all layers, and where each layer begins."""
    parts = [np.full(len(m.faces), -1) if m.body_faces is None else np.asarray(m.body_faces) for m in own]
    starts = np.cumsum([0, *(len(part) for part in parts)])[:-1]
    return np.concatenate(parts), starts


def _closest(
    points: Float[np.ndarray, "points 3"], corners: Sequence[Float[np.ndarray, "points 3"]]
) -> Float[np.ndarray, "3 points"]:
    """Barycentric weights of the feet of perpendiculars on triangles, moved inside where they fall outside."""
    first, second, offset = corners[1] - corners[0], corners[2] - corners[0], points - corners[0]
    aa, bb, ab = dot(first, first), dot(second, second), dot(first, second)
    pa, pb = dot(offset, first), dot(offset, second)
    area = np.maximum(aa * bb - ab * ab, np.float32(1e-20))
    u, v = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    weights = np.clip(np.stack([1 - u - v, u, v]), 0, 1)
    return weights / weights.sum(0)
