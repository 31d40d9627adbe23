"""SURREAL's labels of a clip, with their mirroring undone.

Convention:
    SURREAL's camera matrix is a reflection, so its images show every body mirrored, and labels name the sides of the
    body before that. In the image's camera frame the person is therefore SMPL's body with sides swapped: joints and
    poses swap sides, rotation vectors reverse y and z, and the orientation is R T diag(-1, 1, 1), with R the
    reflection and T the body's orientation in SURREAL's world (Rx(90 degrees) Rz(zrot) times the file's). Example: the
    camera at (5, 0, 0) sees the world point (1, 0, 0) at camera-frame (0, 0, 4).

    Where a person walked out of the image, the camera was moved in the middle of the clip, and the file has only its
    last position. In frames from before that, translations are solved for from the annotated pixels, and the
    rows are marked as not absolute.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int8
from scipy.spatial.transform import Rotation

from body.mat_files import read_mat
from body.skeleton import SMPL24
from datamodules.readers.posed import matrices
from datamodules.readers.translation import solve_translation
from datamodules.readers.world import to_camera

SIZE = (320, 240)
INTRINSICS = (600.0, 600.0, 160.0, 120.0)
REFLECTION = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""World to camera."""
_KEYS = ("joints3D", "joints2D", "pose", "shape", "gender", "camLoc", "zrot")
_MIRROR = list(SMPL24.mirror)
_CLOSE = 3.0  # pixels on average; rounding makes up half a pixel
_GENDERS = np.array([2, 1], np.int8)  # SURREAL's 0 is female, 1 male; positions in `datamodules.sample.GENDERS`


class Clip(NamedTuple):
    """Labels of frames, camera frame, metres; `pixels` are SURREAL's own, whole numbers."""

    joints: Float[np.ndarray, "rows 24 3"]
    pixels: Float[np.ndarray, "rows 24 2"]
    absolute: Bool[np.ndarray, " rows"]
    pose: Float[np.ndarray, "rows 24 3"]
    betas: Float[np.ndarray, "rows 10"]
    gender: Int8[np.ndarray, " rows"]
    frames: Int[np.ndarray, " rows"]

    @classmethod
    def join(cls, clips: list[Clip]) -> Clip:
        """Clips one after the other."""
        return cls(*(np.concatenate(columns) for columns in zip(*clips, strict=True)))


def read_info(path: Path) -> dict[str, np.ndarray]:
    """The labels of a `_info.mat`.

    Raises:
        FileNotFoundError, ValueError: see `body.mat_files.read_mat`.
    """
    return read_mat(path, _KEYS)


def clip_length(info: dict[str, np.ndarray]) -> int:
    """Number of frames."""
    return int(info["pose"].size // 72)


def clip_labels(info: dict[str, np.ndarray], frames: Int[np.ndarray, " rows"]) -> Clip:
    """Labels of some frames of a clip (see the module)."""
    camera = info["camLoc"].astype(np.float64).reshape(3)
    # a clip of one frame loses its last axis in MATLAB
    world = info["joints3D"].astype(np.float64).reshape(3, 24, -1).transpose(2, 1, 0)[frames]
    pixels = info["joints2D"].astype(np.float64).reshape(2, 24, -1).transpose(2, 1, 0)[frames][:, _MIRROR]
    joints, absolute = _resolve_positions(to_camera(world, REFLECTION, -REFLECTION @ camera)[:, _MIRROR], pixels)
    pose = info["pose"].astype(np.float64).reshape(24, 3, -1).transpose(2, 0, 1)[frames]
    heading = Rotation.from_euler(
        "zx", np.stack([info["zrot"].reshape(-1)[frames], np.full(len(frames), np.pi / 2)], 1)
    )
    upright = heading.as_matrix() @ matrices(pose[:, 0])
    mirrored = pose[:, _MIRROR] * [1.0, -1.0, -1.0]
    mirrored[:, 0] = Rotation.from_matrix(REFLECTION @ upright @ np.diag([-1.0, 1.0, 1.0])).as_rotvec()
    return Clip(
        joints,
        pixels,
        absolute,
        mirrored,
        info["shape"].astype(np.float64).reshape(10, -1).T[frames],
        _GENDERS[info["gender"].reshape(-1)[frames]],
        frames,
    )


def project(joints: Float[np.ndarray, "rows joints 3"]) -> Float[np.ndarray, "rows joints 2"]:
    """Pixels of camera-frame joints."""
    fx, fy, cx, cy = INTRINSICS
    return joints[..., :2] / joints[..., 2:] * (fx, fy) + (cx, cy)


def _resolve_positions(
    joints: Float[np.ndarray, "rows 24 3"], pixels: Float[np.ndarray, "rows 24 2"]
) -> tuple[Float[np.ndarray, "rows 24 3"], Bool[np.ndarray, " rows"]]:
    """Joints where their pixels are, and which of them the file's camera sees there (see the module)."""
    absolute = np.linalg.norm(project(joints) - pixels, axis=-1).mean(1) < _CLOSE
    points = joints - joints[:, :1]
    cameras, valid = np.tile(INTRINSICS, (len(joints), 1)), np.ones(joints.shape[:2], bool)
    translation, solved = solve_translation(points, pixels, valid, cameras)
    moved = solved & ~absolute
    return np.where(moved[:, None, None], points + translation[:, None], joints), absolute
