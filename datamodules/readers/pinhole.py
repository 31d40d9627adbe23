"""A camera from points that are known both in its frame and in its image."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def fit_pinhole(points: Float[np.ndarray, "points 3"], pixels: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "4"]:
    """Focal lengths and principal point (fx, fy, cx, cy), pixels, for files that do not come with a calibration.

    Least squares in each image axis: u = f x / z + c. At least two points in different directions are needed; the unit
    of the points does not matter.

    Raises:
        ValueError: the points do not determine a camera.
    """
    rays = points[:, :2] / points[:, 2:]
    if len(points) < 2 or not np.isfinite(rays).all() or np.ptp(rays, axis=0).min() == 0:
        raise ValueError(f"{len(points)} points do not determine a camera")
    columns = []
    for ray, pixel in zip(rays.T, pixels.T, strict=True):
        columns.append(np.linalg.lstsq(np.stack([ray, np.ones_like(ray)], 1), pixel, rcond=None)[0])
    (fx, cx), (fy, cy) = columns
    return np.array([fx, fy, cx, cy])
