"""Colours of a dressed person's meshes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from body.raycast import Hits
from datamodules.open_v2.clothes.cloth import Cloth
from datamodules.open_v2.clothes.looks import Look
from datamodules.open_v2.clothes.painted import Painted
from datamodules.open_v2.render.columns import blend, corners_of, rows_of


@dataclass(frozen=True)
class ClothMaterial:
    """Colours a garment.

    Attributes:
        cloth: what it is made of.
        points: of the garment on the template.
        facing: z of the normals there.
        faces: of the layer.
    """

    cloth: Cloth
    points: Float[np.ndarray, "vertices 3"]
    facing: Float[np.ndarray, " vertices"]
    faces: Int[np.ndarray, "faces 3"]

    def paint(self, hits: Hits) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"]]:
        """Albedo and gloss."""
        corners, weights = corners_of(self.faces, hits.face), hits.barycentric.astype(np.float32)
        points = blend(self.points, corners, weights)
        facing = blend(self.facing[:, None], corners, weights)[:, 0]
        return self.cloth.paint(points, facing), np.full(len(points), self.cloth.gloss, np.float32)


@dataclass(frozen=True)
class SkinMaterial:
    """Colours the body: skin, face and painted clothes."""

    look: Look
    painted: tuple[Painted, ...]
    points: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]

    def paint(self, hits: Hits) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"]]:
        """Albedo and gloss."""
        points = blend(self.points, corners_of(self.faces, hits.face), hits.barycentric.astype(np.float32))
        albedo, gloss = self.look.paint(points)
        for painted in self.painted:
            rows = np.flatnonzero(painted.mask(points))
            if len(rows):
                some = rows_of(points, rows)
                albedo[rows] = painted.cloth.paint(some, some[:, 2])
                gloss[rows] = painted.cloth.gloss
        return albedo, gloss
