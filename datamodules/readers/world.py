"""Labels that come in a world frame, brought into the frame and the pixels of a camera.

Convention:
    camera = rotation @ world + translation, in one unit. Where a file gives the camera's position instead,
    translation = -rotation @ position.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation


def to_camera(
    points: Float[np.ndarray, "rows points 3"],
    rotation: Float[np.ndarray, "*rows 3 3"],
    translation: Float[np.ndarray, "*rows 3"],
) -> Float[np.ndarray, "rows points 3"]:
    """World points in the camera frame; one camera for all rows, or one per row."""
    return points @ np.swapaxes(rotation, -1, -2) + translation[..., None, :]


def to_pixels(
    points: Float[np.ndarray, "rows points 3"], intrinsics: Float[np.ndarray, "*rows 4"]
) -> Float[np.ndarray, "rows points 2"]:
    """Pixels of camera-frame points; intrinsics (fx, fy, cx, cy) of all rows or of each."""
    focal, centre = intrinsics[..., None, :2], intrinsics[..., None, 2:]
    return points[..., :2] / points[..., 2:] * focal + centre


def smpl_to_camera(
    orientation: Float[np.ndarray, "rows 3"],
    transl: Float[np.ndarray, "rows 3"],
    roots: Float[np.ndarray, "rows 3"],
    rotation: Float[np.ndarray, "*rows 3 3"],
    translation: Float[np.ndarray, "*rows 3"],
) -> tuple[Float[np.ndarray, "rows 3"], Float[np.ndarray, "rows 3"]]:
    """SMPL's orientation and translation in the camera frame.

    A body rotates about its rest-pose root joint, not about the origin, so the translation needs to know where that is.

    Args:
        orientation: axis-angle of joint 0 in the world.
        transl: SMPL's translation in the world, metres.
        roots: Rest position of joint 0 of each row's shape (`datamodules.crop.RestRoot`), metres.
        rotation: of the camera, one for all rows or one per row.
        translation: of the camera, metres.

    Returns:
        Axis-angle of joint 0 and translation, in the camera frame.
    """
    rotated = Rotation.from_matrix(rotation) * Rotation.from_rotvec(orientation)
    position = to_camera((roots + transl)[:, None], rotation, translation)[:, 0]
    return rotated.as_rotvec(), position - roots
