"""The files of one HumanEva-I recording: camera, synchronisation, joints.

Convention:
    Stream frames are counted from 0 at the instant that `video_offset` finds, at 60 Hz, as the release code counts them
    (from 1 there). Millimetres in the files, camera = rotation @ world + translation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.io import loadmat

CAMERAS = ("C1", "C2", "C3")
"""The colour cameras."""
SIZE = (640, 480)
"""Width and height of their images."""
# (first frame, first frame after the end) of the training and of the validation part of trial 1, by action and subject
PARTS: dict[tuple[str, str], tuple[tuple[int, int], tuple[int, int]]] = {
    ("Walking", "S1"): ((590, 1203), (5, 590)),
    ("Walking", "S2"): ((438, 876), (5, 438)),
    ("Walking", "S3"): ((448, 939), (5, 448)),
    ("Jog", "S1"): ((367, 740), (5, 367)),
    ("Jog", "S2"): ((398, 795), (5, 398)),
    ("Jog", "S3"): ((401, 842), (5, 401)),
    ("Box", "S1"): ((385, 789), (5, 385)),
    ("Box", "S2"): ((382, 734), (5, 382)),
    ("Box", "S3"): ((512, 1021), (5, 512)),
}
"""Where training and validation parts of the recordings lie."""


@dataclass(frozen=True)
class Camera:
    """A camera: camera = rotation @ world + translation, metres.

    Attributes:
        rotation, translation: where it is.
        intrinsics: fx, fy, cx, cy.
        distortion: two radial, two tangential, a third radial coefficient, as OpenCV orders them.
    """

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    intrinsics: Float[np.ndarray, "4"]
    distortion: Float[np.ndarray, "5"]


def read_camera(path: Path) -> Camera:
    """Read a `.cal` file: 22 numbers in text.

    Two focal lengths, the principal point, skew, five distortions, the rotation row by row, the translation.

    Raises:
        ValueError: other than 22 numbers, or the rotation is none.
    """
    numbers = _numbers(path, 22)
    rotation = numbers[10:19].reshape(3, 3)
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3:
        raise ValueError(f"{path} is damaged: numbers 11 to 19 are no rotation matrix")
    return Camera(rotation, numbers[19:22] / 1000, numbers[:4], numbers[5:10])


def video_offset(own: Path, camera: str) -> int:
    """Video frame (counted from 0) of a camera at stream frame 0, from the `.ofs` files of all colour cameras.

    A file has three numbers: the video frame (counted from 1) and the motion-capture frame of one instant, and
    motion-capture frames per video frame. Stream frame 0 is the latest of the cameras' instants, the first at which all
    of them run; a camera whose own instant is earlier is that much farther on.

    Args:
        own: the camera's file; those of the others lie beside it, and may be missing.
        camera: one of `CAMERAS`.

    Raises:
        ValueError: other than three numbers, or a rate that is none.
    """
    paths = {name: own.with_name(own.name.replace(camera, name)) for name in CAMERAS}
    instants = {name: _instant(path) for name, path in paths.items() if name == camera or path.is_file()}
    video, motion, rate = instants[camera]
    latest = max(instant[1] for instant in instants.values())
    return round(video + (latest - motion) / rate) - 1


def _instant(path: Path) -> tuple[float, float, float]:
    video, motion, rate = _numbers(path, 3).tolist()
    if not rate > 0:
        raise ValueError(f"{path} is damaged: {rate} motion-capture frames per video frame; unpack it again")
    return video, motion, rate


def read_joints(path: Path, frames: tuple[int, int]) -> Float[np.ndarray, "frames 15 3"]:
    """World joints of one part of a recording, metres; NaN where motion capture failed.

    Args:
        path: MATLAB file with `poses_3d`, (F, 15, 3) millimetres.
        frames: first one, and first one after the end.

    Raises:
        ValueError: the file is damaged, or has another number of frames.
    """
    try:
        joints = np.asarray(loadmat(path)["poses_3d"], np.float64).reshape(-1, 15, 3)
    except (OSError, KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(f"{path} is damaged, or was not written by the conversion ({error!r})") from None
    if len(joints) != frames[1] - frames[0]:
        raise ValueError(f"{path} has {len(joints)} frames, but this part has {frames[1] - frames[0]}")
    return joints / 1000


def image_name(subject: str, action: str, camera: str, frame: int) -> str:
    """Image of a video frame, counted from 0."""
    return f"images/{subject}/{action}_1_({camera})/{frame:06d}.jpg"


def _numbers(path: Path, count: int) -> Float[np.ndarray, " numbers"]:
    words = path.read_text(encoding="latin1").split()
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); unpack it again") from None
    if len(numbers) != count:
        raise ValueError(f"{path} has {len(numbers)} numbers, not {count}; unpack it again")
    return numbers
