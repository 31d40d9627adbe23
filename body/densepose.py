"""DensePose's surface charts, which its authors cut and unfolded by hand: for SMPL, from the user's own file.

Convention:
    As in `uv`: I is the part, 1 to 24 (DensePose's numbers, not SMPL's joints), U and V lie in [0, 1]. In
    `UV_Processed.mat` faces and vertices count from 1; a vertex at a seam is there once per chart, so that U and V are
    linear over every face.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from body.assets import find_asset
from body.raycast import Hits, RayScene

FILE = "densepose/UV_Processed.mat"
VERTICES = 6890
"""Of the body that the charts are of, SMPL."""


@dataclass(frozen=True)
class DensePoseCharts:
    """The charts.

    Attributes:
        faces: vertices of SMPL at the corners of every face.
        face_part: part of every face.
        corners: U and V at its corners.
    """

    faces: Int[np.ndarray, "faces 3"]
    face_part: UInt8[np.ndarray, " faces"]
    corners: Float[np.ndarray, "faces 3 2"]

    def iuv(self, hits: Hits) -> UInt8[np.ndarray, "rays 3"]:
        """Part, and U and V in 0..255, where rays met the mesh of `faces`; zeros elsewhere."""
        face = np.maximum(hits.face, 0)
        uv = np.einsum("rk,rkc->rc", hits.barycentric, self.corners[face])
        labels = np.concatenate([self.face_part[face][:, None], np.rint(255 * uv).clip(0, 255)], 1)
        return (labels * (hits.face >= 0)[:, None]).astype(np.uint8)

    def iuv_at(
        self,
        pixels: Float[np.ndarray, "points 2"],
        vertices: Float[np.ndarray, "vertices 3"],
        camera: Float[np.ndarray, "3 3"],
    ) -> Float[np.ndarray, "points 3"]:
        """Part, and U and V in [0, 1], of the faces of a posed SMPL mesh that a camera sees at pixels; zeros elsewhere.

        Args:
            pixels: of the camera.
            vertices: camera frame, metres; faces that reach behind the camera are not seen.
            camera: full-image intrinsics, or those of a crop (an affine times them).
        """
        in_front = np.flatnonzero((vertices[self.faces][..., 2] > 0).all(1))
        if len(in_front) == 0:
            return np.zeros((len(pixels), 3))
        rays = np.concatenate([pixels, np.ones((len(pixels), 1))], 1) @ np.linalg.inv(camera).T
        hits = RayScene([(vertices, self.faces[in_front])]).cast(np.zeros_like(rays), rays)
        hits.face[:] = np.where(hits.face >= 0, in_front[hits.face], -1)
        return self.iuv(hits) / np.array([1.0, 255.0, 255.0])


def find_densepose() -> DensePoseCharts | None:
    """The charts if the user has them.

    Raises:
        ValueError: the file is there, but is not DensePose's.
    """
    path = find_asset(FILE)
    return None if path is None else _read(path)


@cache
def _read(path: Path) -> DensePoseCharts:
    from scipy.io import loadmat

    try:
        data = loadmat(path)
        corner = data["All_Faces"].astype(np.int64) - 1
        vertex = data["All_vertices"].astype(np.int64).ravel() - 1
        uv = np.stack([data["All_U_norm"].ravel(), data["All_V_norm"].ravel()], 1)
        charts = DensePoseCharts(
            vertex[corner], data["All_FaceIndices"].ravel().astype(np.uint8), uv[corner].astype(np.float32)
        )
    except Exception as error:  # scipy's readers fail in many ways on damaged files
        raise ValueError(f"{path} is not DensePose's file of charts ({error!r}); fetch it again") from None
    if vertex.max() >= VERTICES or len(charts.face_part) != len(corner):
        raise ValueError(f"{path} is not of SMPL: it names vertex {vertex.max() + 1} of {VERTICES}")
    return charts
