"""The training recordings: eight subjects, two sequences each, fourteen cameras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from body.mat_files import read_mat
from body.skeleton import MPI_INF_3DHP17, MPI_INF_3DHP28
from datamodules.annotations import Annotations
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.files import require
from datamodules.mpi_inf_3dhp.calibration import read_calibration
from datamodules.readers.boxes import boxes_of_points

SUBJECTS = (1, 2, 3, 4, 5, 6, 7, 8)
VNECT_CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
"""The cameras at chest height and the ones above them, which the data's authors train with; SPIN too."""
CAMERAS = tuple(range(14))
Pose = Literal["annot3", "univ_annot3"]

_RELEVANT = np.array(MPI_INF_3DHP28.positions_of(MPI_INF_3DHP17))


class Frames(NamedTuple):
    """Which frames a training split has.

    Attributes:
        subjects: numbers of the subjects.
        cameras: numbers of the cameras.
        every: of the frames that are left, in the order subject, sequence, camera, frame, each so many is kept.
        drop_outside: leave out frames with one of the 17 evaluated joints outside the image.
    """

    subjects: tuple[int, ...] = SUBJECTS
    cameras: tuple[int, ...] = VNECT_CAMERAS
    every: int = 10
    drop_outside: bool = True


def read_train(root: Path, frames: Frames, pose: Pose, how_to_get: str) -> Annotations:
    """The labels of the training split.

    Args:
        root: folder with `S1` to `S8`.
        frames: which frames.
        pose: which 3D annotation.
        how_to_get: for the message when a file is missing.

    Raises:
        FileNotFoundError: a recording is not there.
        ValueError: a file is damaged.
    """
    parts, seen = [], 0
    for subject in frames.subjects:
        for sequence in (1, 2):
            for video in _videos(root, f"S{subject}/Seq{sequence}", frames.cameras, pose, how_to_get):
                usable = np.flatnonzero(video.inside() if frames.drop_outside else np.ones(len(video.joints), bool))
                kept = usable[-seen % frames.every :: frames.every]  # the count goes on from video to video
                seen += len(usable)
                parts.append(video.table(kept))
    return Annotations.join(parts)


class _Video(NamedTuple):
    """What one camera saw of one recording; joints in metres."""

    folder: str
    camera: int
    intrinsics: tuple[float, float, float, float]
    size: tuple[int, int]
    joints: Float[np.ndarray, "frames 28 3"]
    pixels: Float[np.ndarray, "frames 28 2"]

    def inside(self) -> Bool[np.ndarray, " frames"]:
        """Frames with every evaluated joint in the image."""
        pixels = self.pixels[:, _RELEVANT]
        return np.asarray(((pixels >= 0) & (pixels < self.size)).all((1, 2)))

    def table(self, frames: Int[np.ndarray, " kept"]) -> Annotations:
        """The labels of some frames."""
        joints, pixels, rows = self.joints[frames], self.pixels[frames], len(frames)
        valid = np.ones(joints.shape[:2], bool)
        return Annotations(
            skeleton=MPI_INF_3DHP28,
            images=StringColumn.of([frame_file(self.folder, self.camera, int(frame)) for frame in frames]),
            intrinsics=np.tile(np.array(self.intrinsics), (rows, 1)),
            boxes=boxes_of_points(pixels[:, _RELEVANT].astype(np.float64), valid[:, _RELEVANT]),
            joints=joints,
            joints_valid=valid,
            joints_2d=pixels,
            joints_2d_valid=valid,
            frames=frames + 1,
            subjects=CategoricalColumn.constant(self.folder.partition("/")[0], rows),
            sequences=CategoricalColumn.constant(self.folder, rows),
            cameras=CategoricalColumn.constant(str(self.camera), rows),
        )


def frame_file(folder: str, camera: int, frame: int) -> str:
    """Image of a frame, counted from 0 here and from 1 in the name, as in SPIN's files."""
    return f"{folder}/imageFrames/video_{camera}/frame_{frame + 1:06d}.jpg"


def _videos(root: Path, folder: str, cameras: Sequence[int], pose: Pose, how_to_get: str) -> Iterator[_Video]:
    """The cameras of a recording, in the order given."""
    path = require(root, [f"{folder}/annot.mat"], how_to_get)
    calibration = read_calibration(require(root, [f"{folder}/camera.calibration"], how_to_get))
    content = read_mat(path, ("annot2", pose))
    for camera in cameras:
        if camera not in calibration:
            raise ValueError(f"{root / folder}/camera.calibration has no camera {camera}")
        joints, pixels = (_cell(path, content[name], camera, width) for name, width in ((pose, 3), ("annot2", 2)))
        if len(joints) != len(pixels):
            raise ValueError(f"{path}, camera {camera}: {len(joints)} frames in {pose}, but {len(pixels)} in annot2")
        yield _Video(folder, camera, *calibration[camera], joints / np.float32(1000), pixels)


def _cell(path: Path, cells: np.ndarray, camera: int, width: int) -> Float[np.ndarray, "frames 28 {width}"]:
    """One camera's cell, a row of numbers per frame."""
    flat = cells.reshape(-1)
    joints = len(MPI_INF_3DHP28)
    if camera >= len(flat) or flat[camera].ndim != 2 or flat[camera].shape[1] != joints * width:
        raise ValueError(
            f"{path} has no cell of {joints} x {width} numbers per frame for camera {camera}; is it whole?"
        )
    return flat[camera].astype(np.float32).reshape(-1, joints, width)
