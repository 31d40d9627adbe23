"""Part and chart coordinates of the person that the labels describe, also below clothes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

from body.uv import SurfaceCharts
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
        self._corners = local.astype(np.float32)

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
        image = np.stack([pixels % size, pixels // size, np.ones_like(pixels)], -1).astype(np.float32)
        points = image @ np.linalg.inv(intrinsics).T.astype(np.float32) * depth[:, None]
        weights = _closest(points, np.asarray(body, np.float32).take(self._faces.take(below, 0), 0))
        local = np.einsum("rk,rkc->rc", weights, self._corners.take(below, 0))
        u = np.float32(0.5) + np.arctan2(local[:, 2], local[:, 1]) * np.float32(0.5 / np.pi)
        chart = np.stack([u, local[:, 0]], -1).clip(0, 1)
        iuv[pixels, 0] = self._part[below]
        iuv[pixels, 1:] = np.rint(chart * 255)
        return iuv.reshape(size, size, 3)


def _body_faces(own: Sequence[Layer]) -> tuple[Int[np.ndarray, " faces"], Int[np.ndarray, " layers"]]:
    """The body's face below each face of all layers, and where each layer begins."""
    parts = [np.full(len(m.faces), -1) if m.body_faces is None else np.asarray(m.body_faces) for m in own]
    starts = np.cumsum([0, *(len(part) for part in parts)])[:-1]
    return np.concatenate(parts), starts


def _closest(
    points: Float[np.ndarray, "points 3"], corners: Float[np.ndarray, "points 3 3"]
) -> Float[np.ndarray, "points 3"]:
    """Barycentric weights of the feet of perpendiculars on triangles, moved inside where they fall outside."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    offset = points - corners[:, 0]
    aa, bb = np.einsum("rc,rc->r", first, first), np.einsum("rc,rc->r", second, second)
    ab = np.einsum("rc,rc->r", first, second)
    pa, pb = np.einsum("rc,rc->r", offset, first), np.einsum("rc,rc->r", offset, second)
    area = np.maximum(aa * bb - ab * ab, np.float32(1e-20))
    u, v = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    weights = np.clip(np.stack([1 - u - v, u, v], -1), 0, 1)
    return weights / weights.sum(-1, keepdims=True)
