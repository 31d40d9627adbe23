"""Everything that is before the camera as one mesh that rays are cast against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from body.raycast import Hits
from datamodules.open_v2.render.columns import blend, columns, corners_of, dot, rows_of
from datamodules.open_v2.types import Layer
from datamodules.synthetic.embree import TriangleScene

_MARGIN = 1.0  # share of the picture's side around it within which faces stay, for the shadows that they cast
_TILE = 4  # pixels; a tile is a packet of rays
_INSIDE = np.stack(np.unravel_index(np.arange(_TILE**2), (_TILE, _TILE)))  # rows and columns
_NEAR = 0.05  # metres; nearer faces are left out


@dataclass(frozen=True)
class Seen:
    """What rays met first.

    Attributes:
        layer: number of the layer, -1 for none.
        face: face of that layer, as the layer counts; 0 where nothing was met.
        barycentric: weights of its corners; zeros for none.
        depth: along z, inf for none.
        triangle: number of the face among those that were built; 0 where nothing was met.
    """

    layer: Int[np.ndarray, " rays"]
    face: Int[np.ndarray, " rays"]
    barycentric: Float[np.ndarray, "rays 3"]
    depth: Float[np.ndarray, " rays"]
    triangle: Int[np.ndarray, " rays"]

    def rows(self, rows: Int[np.ndarray, " rows"]) -> Hits:
        """Some of the hits, as a material takes them."""
        zeros = np.zeros(len(rows), np.int64)
        return Hits(zeros, self.face[rows], rows_of(self.barycentric, rows), self.depth[rows])


class Tracer:
    """All layers of a picture.

    Args:
        layers: what is to be drawn.
        intrinsics: pixels of a square picture of `size`.
    """

    def __init__(self, layers: Sequence[Layer], intrinsics: Float[np.ndarray, "3 3"], size: int) -> None:
        self.intrinsics, self.size = np.asarray(intrinsics, np.float32), size
        self._inverse = np.linalg.inv(np.asarray(intrinsics, np.float64)).astype(np.float32)
        counts = np.cumsum([0, *(len(layer.vertices) for layer in layers)])
        self._vertices = np.concatenate([np.asarray(layer.vertices, np.float32) for layer in layers])
        self._normals = np.asfortranarray(np.concatenate([np.asarray(m.normals, np.float32) for m in layers]))
        parts = [np.asarray(m.faces, np.int32) + np.int32(start) for m, start in zip(layers, counts, strict=False)]
        lengths = [len(part) for part in parts]
        faces = np.concatenate(parts)
        layer = np.repeat(np.arange(len(layers), dtype=np.int32), lengths)
        face = np.concatenate([np.arange(length) for length in lengths])
        (x, y), corners = self._project(), np.ascontiguousarray(faces.T, np.intp)
        kept, self._boxes = _worth_building(x.take(corners), y.take(corners), size)
        whole = len(kept) == len(faces)
        self._faces, self._layer, self._face = (all_ if whole else all_.take(kept, 0) for all_ in (faces, layer, face))
        self.empty = len(self._faces) == 0
        if not self.empty:
            self._scene = TriangleScene(self._vertices, self._faces)

    def _project(self) -> tuple[Float[np.ndarray, " vertices"], Float[np.ndarray, " vertices"]]:
        """Pixels; not a number for vertices at or behind the camera."""
        depth = np.where(self._vertices[:, 2] > _NEAR, self._vertices[:, 2], np.float32(np.nan))
        focal, centre = self.intrinsics[[0, 1], [0, 1]], self.intrinsics[:2, 2]
        return self._vertices[:, 0] / depth * focal[0] + centre[0], self._vertices[:, 1] / depth * focal[1] + centre[1]

    def directions(self, pixels: Float[np.ndarray, "rays 2"]) -> Float[np.ndarray, "rays 3"]:
        """Rays through pixels, z = 1."""
        inverse = self._inverse
        x = pixels[:, 0] * inverse[0, 0] + (pixels[:, 1] * inverse[0, 1] + inverse[0, 2])
        y = pixels[:, 1] * inverse[1, 1] + inverse[1, 2]
        return columns(x, y, np.ones_like(x))

    def near(self) -> Int[np.ndarray, " pixels"]:
        """Numbers (row-major) of pixels that may see something, tiles together: such rays go alike."""
        tiles = -(-self.size // _TILE)
        wide = tiles + 3
        left, right, top, bottom = np.clip(self._boxes * (1 / _TILE) + 1, 0, tiles + 1).astype(np.int64)
        after, below = right + 1, bottom + 1
        more = np.concatenate([top * wide + left, below * wide + after])
        less = np.concatenate([top * wide + after, below * wide + left])
        steps = np.bincount(more, minlength=wide**2) - np.bincount(less, minlength=wide**2)
        boxes = steps.reshape(wide, wide).cumsum(0).cumsum(1)  # how many boxes of faces lie over each tile
        row, column = np.nonzero(boxes[1 : tiles + 1, 1 : tiles + 1])
        y, x = row[:, None] * _TILE + _INSIDE[0], column[:, None] * _TILE + _INSIDE[1]
        inside = (y < self.size) & (x < self.size)
        pixels = y * self.size + x
        return pixels.reshape(-1) if inside.all() else pixels[inside]

    def cast(self, pixels: Float[np.ndarray, "rays 2"]) -> Seen:
        """What is seen at places of the picture."""
        if self.empty:
            nothing = np.zeros(len(pixels), np.int64)
            return Seen(
                nothing - 1, nothing, np.zeros((len(pixels), 3), np.float32), nothing + np.float32(np.inf), nothing
            )
        face, u, v, depth = self._scene.intersect(np.zeros((1, 3), np.float32), self.directions(pixels))
        hit = face >= 0
        number = np.maximum(face, 0)
        u, v = np.where(hit, u, 0), np.where(hit, v, 0)
        barycentric = columns(hit - u - v, u, v)
        return Seen(np.where(hit, self._layer[number], -1), self._face[number], barycentric, depth.copy(), number)

    def normals(self, seen: Seen, directions: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, "rays 3"]:
        """Interpolated unit normals towards the camera; `directions` are of the rays, which all met something."""
        normals = blend(self._normals, corners_of(self._faces, seen.triangle), seen.barycentric)
        length = np.sqrt(dot(normals, normals))
        away = dot(normals, directions)
        flip = np.where(away > 0.3 * length, np.float32(-1), np.float32(1))  # the inside of a hem
        return normals * (flip / np.maximum(length, np.float32(1e-9)))[:, None]

    def blocked(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> Bool[np.ndarray, " rays"]:
        """Whether anything lies along rays."""
        if self.empty or not len(directions):
            return np.zeros(len(directions), bool)
        return self._scene.occluded(origins, directions)


def _worth_building(
    x: Float[np.ndarray, "3 faces"], y: Float[np.ndarray, "3 faces"], size: int
) -> tuple[Int[np.ndarray, " kept"], Float[np.ndarray, "4 kept"]]:
    """Faces that may be seen or cast a visible shadow, given their corners in pixels; and left, right, top, bottom."""
    left, right = np.minimum(np.minimum(x[0], x[1]), x[2]), np.maximum(np.maximum(x[0], x[1]), x[2])
    top, bottom = np.minimum(np.minimum(y[0], y[1]), y[2]), np.maximum(np.maximum(y[0], y[1]), y[2])
    low, high = -_MARGIN * size, size * (1 + _MARGIN)
    keep = (right > low) & (left < high) & (bottom > low) & (top < high)
    rows, boxes = np.flatnonzero(keep), np.stack([left, right, top, bottom])
    return rows, boxes if len(rows) == len(keep) else boxes.take(rows, 1)
