"""Rays from the camera and to the light, cast against the person and the things around."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from body.raycast import Hits, Mesh
from datamodules.synthetic.culling import Silhouettes
from datamodules.synthetic.embree import TriangleScene


class Rays:
    """All meshes as one scene; see `body.raycast.RayScene`, which builds several times longer."""

    def __init__(self, meshes: list[Mesh]) -> None:
        lengths = [len(faces) for _, faces in meshes]
        starts = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
        faces = np.concatenate([own + start for (_, own), start in zip(meshes, starts, strict=False)])
        self._mesh = np.repeat(np.arange(len(meshes)), lengths)
        self._face = np.concatenate([np.arange(length) for length in lengths])
        self._scene = TriangleScene(np.concatenate([vertices for vertices, _ in meshes]), faces, robust=True)
        self._silhouettes = Silhouettes([vertices for vertices, _ in meshes])

    def cast(self, directions: Float[np.ndarray, "rays 3"]) -> Hits:
        """First hit of every ray from the camera; directions have z = 1."""
        mesh, own = np.full(len(directions), -1), np.full(len(directions), -1)
        barycentric = np.zeros((len(directions), 3), np.float32)
        far = np.full(len(directions), np.inf, np.float32)
        near = self._silhouettes.near(directions)
        if len(near):
            face, u, v, distance = self._scene.intersect(np.zeros((1, 3), np.float32), directions.take(near, 0))
            among = np.flatnonzero(face >= 0)
            hit, face, u, v = near[among], face[among], u[among], v[among]
            mesh[hit], own[hit], far[hit] = self._mesh[face], self._face[face], distance[among]
            for corner, weight in enumerate((1 - u - v, u, v)):
                barycentric[hit, corner] = weight
        return Hits(mesh, own, barycentric, far)

    def occluded(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> Bool[np.ndarray, " rays"]:
        """Whether anything at all lies along every ray."""
        return self._scene.occluded(origins, directions) if len(directions) else np.zeros(0, bool)
