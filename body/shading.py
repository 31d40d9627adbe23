"""Smooth normals and light on a mesh."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals: the area-weighted mean of the normals of the faces around every vertex.

    Convention:
        Right-handed: corners that run counter-clockwise seen from outside give outward normals. A vertex without faces
        gets a zero normal.
    """
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = faces.reshape(-1)
    normals = np.stack(
        [np.bincount(flat, np.repeat(face_normals[:, axis], 3), minlength=len(vertices)) for axis in range(3)], -1
    )
    return unit(normals).astype(np.float32)


def unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors scaled to length one; zeros stay zeros."""
    length = np.sqrt(np.maximum(np.einsum("...c,...c->...", vectors, vectors), 1e-24))
    scaled = np.empty(vectors.shape, np.result_type(vectors, length))
    for axis in range(3):  # numpy is slow with rows of three
        np.divide(vectors[..., axis], length, out=scaled[..., axis])
    return scaled


def headlight(
    normals: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"], ambient: float = 0.35
) -> Float[np.ndarray, " rays"]:
    """Brightness in [0, 1] under a light slightly above and left of the camera, the same for both sides of a surface.

    Args:
        normals: unit normals, camera frame.
        directions: viewing rays, camera frame, any length.
        ambient: brightness of surfaces that face away from the light.
    """
    to_eye = -unit(directions)
    facing = np.where(np.einsum("rc,rc->r", normals, to_eye)[:, None] < 0, -normals, normals)
    light = unit(to_eye + np.array([-0.35, -0.55, 0.0], np.float32))
    return ambient + (1 - ambient) * np.clip(np.einsum("rc,rc->r", facing, light), 0, 1)
