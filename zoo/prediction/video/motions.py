"""Body parameters of a video's people, collected for animated files: glTF with a skeleton, BVH, AMASS's layout."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, Slerp

from zoo.errors import ZooError
from zoo.prediction.export.drawing import scale_intrinsics
from zoo.prediction.export.motion import Motion
from zoo.prediction.export.parameters import Camera
from zoo.prediction.export.sequence import SequenceFormat, write_sequence
from zoo.prediction.video.frames import VideoFrame

_POSE, _BETAS = 72, 10
_COLUMNS = 1 + _POSE + _BETAS + 3 + 1
"""Time, pose, shape, translation, and the fit's error or NaN."""


class MotionFiles:
    """Motions of all tracks, written at the end: `STEM_rig.glb`, `STEM.bvh` and `STEM.npz`, of each of several people.

    They have the video's average rate; where its frames are irregular or somebody was not seen, rotations are
    interpolated along the shortest way, and the rest on a straight line. 348 bytes are kept per person and frame.

    Args:
        folder: for the files.
        stem: first part of their names.
        formats: which of them.
        name: of the weights.
        body: name of the body that the parameters are of.
        rate: frames per second.
    """

    def __init__(
        self, folder: Path, stem: str, formats: Collection[SequenceFormat], name: str, body: str, rate: Fraction
    ) -> None:
        self._folder, self._stem, self._formats, self._name = folder, stem, formats, name
        self._body, self._rate = body, rate
        self._rows: dict[int, array[float]] = defaultdict(lambda: array("f"))
        self._camera: Camera | None = None

    def add(self, frame: VideoFrame) -> None:
        """Keep the parameters of a frame's people.

        Raises:
            ZooError: the method gives none.
        """
        height, width = frame.canvas.pixels.shape[:2]
        size = round(width / frame.scale), round(height / frame.scale)
        self._camera = Camera(scale_intrinsics(frame.canvas.intrinsics, 1 / frame.scale), size)
        for one in frame.people:
            smpl = one.prediction.smpl
            if smpl is None or smpl.transl is None or smpl.pose[0].numel() != _POSE:
                raise ZooError(
                    f"{self._name} gives no pose and shape of a body with 24 joints, which rig, bvh and npz hold; "
                    "--fit-parameters estimates them, or leave these out of --formats"
                )
            error = np.nan if smpl.fit_error_mm is None else float(smpl.fit_error_mm[0])
            parts = (smpl.pose, smpl.betas, smpl.transl)
            values = [value for part in parts for value in part[0].flatten().tolist()]
            self._rows[one.track].extend([frame.time, *values, error])

    def close(self) -> None:
        """Write the files; none if there was nobody.

        Raises:
            ZooError: the folder cannot be written.
        """
        motions = [
            self._motion(track, np.frombuffer(rows, np.float32).reshape(-1, _COLUMNS).copy())
            for track, rows in sorted(self._rows.items())
        ]
        if motions:
            write_sequence(motions, self._folder, self._stem, self._formats, self._name, self._camera)

    def _motion(self, track: int, rows: Float[np.ndarray, "n columns"]) -> Motion:
        fps = float(self._rate)
        rows = resample(rows, fps)
        pose, betas, transl, error = np.split(rows[:, 1:], np.cumsum([_POSE, _BETAS, 3]), 1)
        return Motion.of_arrays(
            pose.reshape(-1, 24, 3),
            betas,
            transl,
            self._body,
            fps,
            round(float(rows[0, 0]) * fps),
            f"person{track}",
            None if np.isnan(error).any() else error[:, 0],
        )


def resample(rows: Float[np.ndarray, "n columns"], fps: float) -> Float[np.ndarray, "m columns"]:
    """Rows at a fixed rate from the first one on; those that have it already stay as they are.

    Args:
        rows: time, seconds, axis-angle of 24 joints, and numbers.
        fps: rows per second.
    """
    times = rows[:, 0].astype(np.float64)
    count = 1 + round((times[-1] - times[0]) * fps)
    wanted = times[0] + np.arange(count) / fps
    if len(times) == count and np.abs(times - wanted).max() < 0.1 / fps:
        return rows
    wanted = wanted.clip(times[0], times[-1])
    columns = [np.interp(wanted, times, column) for column in rows.T]
    resampled = np.stack(columns, 1)
    for start in range(1, 1 + _POSE, 3):
        turns = Slerp(times, Rotation.from_rotvec(rows[:, start : start + 3].astype(np.float64)))
        resampled[:, start : start + 3] = turns(wanted).as_rotvec()
    return resampled.astype(np.float32)
