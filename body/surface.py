"""Where on a body a chart coordinate is, and the geodesic distance of two points of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from body.uv import SurfaceCharts

_ROWS = 500
"""Sources whose distances are computed at a time."""


@dataclass(frozen=True)
class Surface:
    """A body's surface in its charts.

    Attributes:
        trees: points of each part, searchable by (U, V).
        points: number of each point of a part, from 0.
        distances: geodesic distances of the points (i, j) with j < i, metres, row after row: (1, 0), (2, 0), (2, 1),
            (3, 0), ...
    """

    trees: tuple[cKDTree, ...]
    points: tuple[Int[np.ndarray, " _"], ...]
    distances: Float[np.ndarray, " pairs"]

    def nearest(
        self, part: Int[np.ndarray, " points"], uv: Float[np.ndarray, "points 2"]
    ) -> Int[np.ndarray, " points"]:
        """Number of the point of the same part whose chart coordinates are closest; -1 for part 0 (background)."""
        nearest = np.full(len(part), -1, np.int64)
        for number, (tree, numbers) in enumerate(zip(self.trees, self.points, strict=True), start=1):
            rows = np.flatnonzero(part == number)
            if len(rows):
                nearest[rows] = numbers[tree.query(uv[rows])[1]]
        return nearest

    def geodesic_distance(
        self, first: Int[np.ndarray, " points"], second: Int[np.ndarray, " points"]
    ) -> Float[np.ndarray, " points"]:
        """Geodesic distance of two points each, metres; infinite where one of them is negative."""
        low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second).astype(np.int64)
        distinct = (low >= 0) & (low < high)
        pair = np.where(distinct, high * (high - 1) // 2 + low, 0)
        return np.where(distinct, self.distances[pair].astype(np.float64), np.where(low < 0, np.inf, 0.0))


def measure_surface(charts: SurfaceCharts, faces: Int[np.ndarray, "faces 3"], limit: float) -> Surface:
    """The surface of a template whose points are its vertices; some seconds of work.

    Args:
        charts: of the template.
        faces: its triangles.
        limit: distances above it are infinite, metres.
    """
    iuv = charts.vertex_iuv()
    rows = [np.flatnonzero(iuv.part == number) for number in range(1, 25)]
    uv = np.stack([iuv.u, iuv.v], 1).astype(np.float64)
    graph, count = _steps(charts.vertices, faces), len(charts.vertices)
    distances = np.empty(count * (count - 1) // 2, np.float32)
    for start in range(0, count, _ROWS):
        sources = np.arange(start, min(start + _ROWS, count))
        lengths = dijkstra(graph, directed=False, indices=sources, limit=limit)
        for source, row in zip(sources, lengths, strict=True):
            distances[source * (source - 1) // 2 :][:source] = row[:source]
    return Surface(tuple(cKDTree(uv[part]) for part in rows), tuple(rows), distances)


def _steps(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> csr_matrix:
    """Lengths of the ways from vertex to vertex: along edges, and across an edge from one side's corner to the other's.

    With the latter a path over a regular mesh is at most a tenth longer than the geodesic; along edges alone it may be
    two fifths longer.
    """
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    steps = np.unique(np.sort(np.concatenate([mesh.edges_unique, mesh.face_adjacency_unshared]), 1), axis=0)
    lengths = np.linalg.norm(vertices[steps[:, 0]] - vertices[steps[:, 1]], axis=1)
    return coo_matrix((lengths, steps.T), (len(vertices), len(vertices))).tocsr()
