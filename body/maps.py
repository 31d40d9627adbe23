"""Images of a mesh: depth, part labels and IUV of every pixel, by ray casting.

Convention:
    As in `raycast`: camera frame, metres, pixel centres at integers. `size` is (width, height) in pixels.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

from body.raycast import Hits, RayScene, Window, cast_camera, interpolate
from body.uv import SurfaceCharts


def depth_map(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> Float[np.ndarray, "height width"]:
    """Depth z in metres, inf where the mesh is not seen."""
    return _cast(vertices, faces, intrinsics, size).distance.reshape(size[1], size[0])


def label_map(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    face_labels: Integer[np.ndarray, " faces"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> UInt8[np.ndarray, "height width"]:
    """Label of the face that every pixel sees, 0 for background.

    `face_labels` are 1..255, for example `body.parts.face_parts(weights, faces, 6)`.
    """
    hits = _cast(vertices, faces, intrinsics, size)
    labels = np.where(hits.face >= 0, face_labels[hits.face], 0)
    return labels.astype(np.uint8).reshape(size[1], size[0])


def iuv_map(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    charts: SurfaceCharts,
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> UInt8[np.ndarray, "height width 3"]:
    """Part 0..24 and chart coordinates 0..255 of every pixel; `charts` belong to the template of the mesh."""
    hits = _cast(vertices, faces, intrinsics, size)
    return iuv_of(hits, faces, charts).reshape(size[1], size[0], 3)


def iuv_of(hits: Hits, faces: Int[np.ndarray, "faces 3"], charts: SurfaceCharts) -> UInt8[np.ndarray, "rays 3"]:
    """The same for hits that are already there; only hits of mesh 0 count."""
    iuv = np.zeros((len(hits.face), 3), np.uint8)
    rows = np.flatnonzero(hits.mesh == 0)
    hit = Hits(hits.mesh[rows], hits.face[rows], hits.barycentric[rows], hits.distance[rows])
    points = interpolate(np.asarray(charts.vertices, np.float32), faces, hit)
    chart = charts.iuv(hit.face, points)
    iuv[rows] = np.stack([chart.part, np.rint(chart.u * 255), np.rint(chart.v * 255)], -1).astype(np.uint8)
    return iuv


def _cast(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> Hits:
    return cast_camera(RayScene([(vertices, faces)]), intrinsics, Window(0, 0, *size))
