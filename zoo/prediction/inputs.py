"""Boxes and intrinsics as a user gives them, verified."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from body.camera import default_intrinsics
from zoo.errors import ZooError

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""
_FOCAL_RANGE = 1000
"""Focal lengths lie within this factor of the longer side; a telescope's is some 100 times it."""
Boxes = Sequence[Sequence[float | int]] | np.ndarray


def check_boxes(boxes: Boxes | None, width: int, height: int) -> list[Box]:
    """Boxes cut to the image; the whole frame when there are none.

    Raises:
        ZooError: a box is not four finite numbers, is empty, or lies outside of the image; or the list is empty.
    """
    if boxes is None:
        return [(0.0, 0.0, float(width), float(height))]
    if len(boxes) == 0:
        raise ZooError("the list of boxes is empty; leave it out to take the whole frame")
    return [_check_box(box, width, height) for box in boxes]


def _check_box(box: Any, width: int, height: int) -> Box:
    try:
        values = [float(value) for value in box]
    except (TypeError, ValueError):
        raise ZooError(f"boxes are a list of (x, y, width, height), [(1, 2, 30, 40)] for one, not of {box!r}") from None
    if len(values) != 4 or not all(math.isfinite(value) for value in values):
        raise ZooError(f"a box is four numbers x y width height, not {values}")
    x, y, w, h = values
    if w <= 0 or h <= 0:
        raise ZooError(f"box {x:g} {y:g} {w:g} {h:g} is empty; give x y width height with a positive size")
    left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + w, float(width)), min(y + h, float(height))
    if right - left < 1 or bottom - top < 1:
        raise ZooError(f"box {x:g} {y:g} {w:g} {h:g} lies outside of the image of {width} x {height} pixels")
    return left, top, right - left, bottom - top


def resolve_intrinsics(
    intrinsics: np.ndarray | None, pixels: UInt8[np.ndarray, "height width 3"]
) -> Float[np.ndarray, "3 3"]:
    """The given camera matrix, or the default one for an unknown camera (60 degrees across the longer side).

    Raises:
        ZooError: not a (3, 3) matrix with positive focal lengths and the last row (0, 0, 1), or a focal length that no
            camera has for an image of this size.
    """
    if intrinsics is None:
        return default_intrinsics(pixels.shape[1], pixels.shape[0]).numpy()
    try:
        matrix = np.asarray(intrinsics, np.float32)
    except (TypeError, ValueError):
        matrix = np.zeros(0, np.float32)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or min(matrix[0, 0], matrix[1, 1]) <= 0:
        raise ZooError("intrinsics must be a 3 x 3 matrix [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] in pixels")
    if not np.array_equal(matrix[2], (0, 0, 1)) or matrix[1, 0] != 0:
        raise ZooError(f"intrinsics have the rows [fx, s, cx], [0, fy, cy] and [0, 0, 1], not {matrix.tolist()}")
    side = max(pixels.shape[:2])
    if not all(side / _FOCAL_RANGE < focal < side * _FOCAL_RANGE for focal in (matrix[0, 0], matrix[1, 1])):
        raise ZooError(
            f"focal lengths {matrix[0, 0]:g} and {matrix[1, 1]:g} do not go with an image of {side} pixels; give them "
            "in pixels, about its longer side"
        )
    return matrix


def intrinsics_from_focal(focal: float, width: int, height: int) -> Float[np.ndarray, "3 3"]:
    """Camera matrix of a focal length in pixels, with the principal point at the image centre."""
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]], np.float32)
