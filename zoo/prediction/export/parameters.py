"""A body's parameters in the layout of AMASS's sequences."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from zoo.prediction.export.motion import BODIES, Motion


class Camera(NamedTuple):
    """A pinhole camera: matrix in pixels, width and height of its images."""

    intrinsics: Float[np.ndarray, "3 3"]
    size: tuple[int, int]


def npz_bytes(motion: Motion, model: str, camera: Camera | None = None, image: str = "") -> bytes:
    """A numpy archive without pickled objects.

    `poses` (frames, 72) axis-angle, the camera-frame orientation first; `betas` (10,); `trans` (frames, 3) metres,
    added to the posed vertices; `gender`; `body`, which is `open` or `smpl`: numbers of one mean nothing to the other;
    `frame` and `model` as texts. Of a sequence also `mocap_framerate` and `first_frame`; where they are known
    `intrinsics` (3, 3) and `image_size` (width, height) in pixels, and `image`; of parameters that were fitted to
    joints or a mesh `fit_error_mm` (frames,).

    Args:
        motion: of one frame or many.
        model: name of the weights.
        camera: that the frames were seen by.
        image: name of the file, for a single image.
    """
    family, gender = BODIES[motion.body]
    arrays: dict[str, Any] = {
        "poses": motion.pose.reshape(len(motion.pose), -1),
        "betas": motion.betas,
        "trans": motion.transl,
        "gender": np.array(gender),
        "body": np.array(family),
        "frame": np.array("camera: x right, y down, z forward; metres"),
        "model": np.array(model),
    }
    if camera is not None:
        arrays |= {"intrinsics": camera.intrinsics, "image_size": np.array(camera.size)}
    if motion.fit_error_mm is not None:
        arrays["fit_error_mm"] = motion.fit_error_mm
    if image:
        arrays["image"] = np.array(image)
    else:
        arrays |= {"mocap_framerate": np.array(motion.fps), "first_frame": np.array(motion.first_frame)}
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()
