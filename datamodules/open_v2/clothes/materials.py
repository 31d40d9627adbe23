"""Colours of a dressed person's meshes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from body.raycast import Hits
from datamodules.open_v2.clothes.cloth import Cloth
from datamodules.open_v2.clothes.looks import Look
from datamodules.open_v2.clothes.painted import Painted


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
        corners = self.faces.take(hits.face, 0)
        weights = hits.barycentric.astype(np.float32)
        points = np.einsum("rk,rkc->rc", weights, self.points.take(corners, 0))
        facing = np.einsum("rk,rk->r", weights, self.facing[corners])
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
        corners = self.points.take(self.faces.take(hits.face, 0), 0)
        points = np.einsum("rk,rkc->rc", hits.barycentric.astype(np.float32), corners)
        albedo, gloss = self.look.paint(points)
        for painted in self.painted:
            rows = np.flatnonzero(painted.mask(points))
            if len(rows):
                albedo[rows] = painted.cloth.paint(points[rows], points[rows, 2])
                gloss[rows] = painted.cloth.gloss
        return albedo, gloss
