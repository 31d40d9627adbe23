"""Translations of root-relative people: by their 2D keypoints, or else by their boxes.

Convention:
    A weak-perspective camera looks at the middle of a person's crop with the focal length 5000 / 224 times its side, so
    that a person at 44.6 m has 2 m across the crop (Kolotouros et al. 2019). Depths solved this way are no
    measurements. For example, a crop with the side 224 has a focal length of 5000 pixels.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

EXTENT = 2.0
"""Metres across a crop."""
_FOCAL = 5000 / 224  # sides of the crop
_FEWEST = 4  # joints that a translation is fitted to
_NEAREST = 0.3  # metres


def weak_intrinsics(crops: Float[np.ndarray, "rows 4"]) -> Float[np.ndarray, "rows 4"]:
    """Focal lengths and principal points (fx, fy, cx, cy) of weak-perspective cameras, pixels.

    Args:
        crops: square windows (x, y, width, height), pixels.
    """
    focal = np.repeat(_FOCAL * crops[:, 2:].max(1, keepdims=True), 2, axis=1)
    return np.concatenate([focal, crops[:, :2] + crops[:, 2:] / 2], 1)


def translation_of_crops(
    crops: Float[np.ndarray, "rows 4"], intrinsics: Float[np.ndarray, "rows 4"]
) -> Float[np.ndarray, "rows 3"]:
    """Points in the middle of crops, as far away as two metres fill them.

    Args:
        crops: square windows (x, y, width, height), pixels.
        intrinsics: (fx, fy, cx, cy), pixels.
    """
    focal, principal = intrinsics[:, :2], intrinsics[:, 2:]
    depth = focal.mean(1, keepdims=True) * EXTENT / crops[:, 2:].max(1, keepdims=True)
    return np.concatenate([(crops[:, :2] + crops[:, 2:] / 2 - principal) / focal * depth, depth], 1)


def solve_translation(
    points: Float[np.ndarray, "rows joints 3"],
    pixels: Float[np.ndarray, "rows joints 2"],
    valid: Bool[np.ndarray, "rows joints"],
    intrinsics: Float[np.ndarray, "rows 4"],
) -> tuple[Float[np.ndarray, "rows 3"], Bool[np.ndarray, " rows"]]:
    """Translations t that bring points onto pixels, by least squares of fx (X + tx) = (u - cx) (Z + tz), same in y.

    Args:
        points: in the camera's directions, metres, relative to any origin.
        pixels: their keypoints.
        valid: which joints count.
        intrinsics: (fx, fy, cx, cy), pixels.

    Returns:
        The translations, and where there were joints enough and the person came out in front of the camera.
    """
    focal = intrinsics[:, None, :2]
    rays = (pixels - intrinsics[:, None, 2:]) / focal  # on the plane at depth 1
    weight = valid[..., None].astype(np.float64)
    wanted = (rays * points[..., 2:] - points[..., :2]) * weight
    # normal equations of [1, -rays] t = wanted, for x and y together
    normal = np.zeros((len(points), 3, 3))
    normal[:, 0, 0] = normal[:, 1, 1] = weight.sum((1, 2))
    normal[:, :2, 2] = normal[:, 2, :2] = -(rays * weight).sum(1)
    normal[:, 2, 2] = (rays**2 * weight).sum((1, 2))
    right = np.concatenate([wanted.sum(1), -(rays * wanted).sum((1, 2))[:, None]], 1)
    spread = normal[:, 2, 2] - (normal[:, :2, 2] ** 2).sum(1) / np.maximum(weight.sum((1, 2)), 1)
    solvable = (valid.sum(1) >= _FEWEST) & (spread > 1e-9)
    normal[~solvable] = np.eye(3)
    translation = np.linalg.solve(normal, right[..., None])[..., 0]
    nearest = np.where(valid, points[..., 2], np.inf).min(1) + translation[:, 2]
    return translation, solvable & (nearest > _NEAREST)
