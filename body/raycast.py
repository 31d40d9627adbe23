"""Visibility by ray casting with embree: what every pixel sees, and shadows. Needs no display and no OpenGL.

Convention:
    Meshes and rays are in the camera frame (x right, y down, z forward, metres). The ray of pixel (u, v) goes through
    the pixel centre and has a direction with z = 1, so the distance along it is the depth z. A barycentric triple
    weighs the three corners of the face that was hit. Example: focal 100, principal point (50, 50): pixel (150, 50)
    looks along (1, 0, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Bool, Float, Int

Mesh = tuple[Float[np.ndarray, "_ 3"], Int[np.ndarray, "_ 3"]]


@dataclass(frozen=True)
class Hits:
    """What every ray met first.

    Attributes:
        mesh: which mesh of the scene, -1 for none.
        face: face of that mesh, -1 for none.
        barycentric: weights of the three corners; zeros for none.
        distance: in units of the ray direction's length, inf for none.
    """

    mesh: Int[np.ndarray, " rays"]
    face: Int[np.ndarray, " rays"]
    barycentric: Float[np.ndarray, "rays 3"]
    distance: Float[np.ndarray, " rays"]


class RayScene:
    """Triangle meshes that rays can be cast against.

    Args:
        meshes: (vertices, faces) pairs.

    Raises:
        ValueError: there is no mesh, or a mesh without faces, or a face names a vertex that does not exist.
    """

    def __init__(self, meshes: Sequence[Mesh]) -> None:
        if not meshes:
            raise ValueError("a ray scene needs at least one mesh")
        self._scene = EmbreeScene(robust=True)
        # embree reads the buffers only while it builds, but a TriangleMesh that is freed takes its geometry along
        self._meshes = []
        for vertices, faces in meshes:
            if len(faces) == 0 or faces.min() < 0 or faces.max() >= len(vertices):
                raise ValueError(f"mesh with {len(vertices)} vertices: faces are missing or point outside of them")
            buffers = np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.int32)
            self._meshes.append(TriangleMesh(self._scene, *buffers))

    def cast(self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]) -> Hits:
        """First hit of every ray."""
        found = self._scene.run(_rays(origins), _rays(directions), output=True)
        face = found["primID"].astype(np.int64)
        hit = face >= 0
        u, v = found["u"] * hit, found["v"] * hit
        barycentric = np.stack([(1 - u - v) * hit, u, v], -1)
        mesh = np.where(hit, found["geomID"], -1).astype(np.int64)
        return Hits(mesh, face, barycentric, np.where(hit, found["tfar"], np.inf).astype(np.float32))

    def occluded(
        self, origins: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> Bool[np.ndarray, " rays"]:
        """Whether anything at all lies along every ray (shadow rays)."""
        return self._scene.run(_rays(origins), _rays(directions), query="OCCLUDED") >= 0


def _rays(values: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, "rays 3"]:
    return np.ascontiguousarray(values, np.float32)


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels: left, top, width, height; it may be finer than the pixel grid.

    `step` is the spacing of the rays in pixels (0.5 casts four rays a pixel); `width` and `height` count rays.
    """

    left: int | float
    top: int | float
    width: int
    height: int
    step: int | float = 1


def camera_rays(intrinsics: Float[np.ndarray, "3 3"], window: Window) -> Float[np.ndarray, "rays 3"]:
    """Directions (z = 1) of the rays of a window in row-major order; their origin is the camera centre."""
    u = window.left + window.step * np.arange(window.width)
    v = window.top + window.step * np.arange(window.height)
    pixels = np.stack([*np.meshgrid(u, v), np.ones((window.height, window.width))], -1).reshape(-1, 3)
    return np.ascontiguousarray(pixels @ np.linalg.inv(np.asarray(intrinsics, np.float64)).T, np.float32)


def cast_camera(scene: RayScene, intrinsics: Float[np.ndarray, "3 3"], window: Window) -> Hits:
    """What every pixel of a window sees; `distance` is the depth z."""
    directions = camera_rays(intrinsics, window)
    return scene.cast(np.zeros_like(directions), directions)


def interpolate(
    values: Float[np.ndarray, "vertices channels"], faces: Int[np.ndarray, "faces 3"], hits: Hits
) -> Float[np.ndarray, "rays channels"]:
    """Per-vertex values (canonical points, normals, colours) at the hits; zeros where nothing was hit."""
    corners = values.take(faces.take(np.maximum(hits.face, 0), 0), 0)
    return np.einsum("rk,rkc->rc", hits.barycentric, corners)


def visible(
    scene: RayScene, points: Float[np.ndarray, "points 3"], tolerance: float = 5e-3
) -> Bool[np.ndarray, " points"]:
    """Which camera-frame points the camera at the origin sees.

    A point on or in a mesh counts as seen when nothing lies more than `tolerance` metres in front of it along its ray.
    """
    points = np.asarray(points, np.float32)
    directions = points / np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-9)
    hits = scene.cast(np.zeros_like(points), directions)
    return np.asarray(hits.distance >= np.linalg.norm(points, axis=-1) - tolerance)
