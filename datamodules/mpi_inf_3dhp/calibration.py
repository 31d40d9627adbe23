"""Skeletool's `camera.calibration`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np


class Calibration(NamedTuple):
    """One camera.

    Attributes:
        intrinsics: focal lengths and principal point (fx, fy, cx, cy), pixels.
        size: width and height of its images.
    """

    intrinsics: tuple[float, float, float, float]
    size: tuple[int, int]


def read_calibration(path: Path) -> dict[int, Calibration]:
    """Cameras by number.

    The file has, per camera, the lines `name N`, `sensor`, `size W H`, `animated`, `intrinsic` and `extrinsic` (each a
    4 x 4 matrix, row by row) and `radial`. Annotations are in each camera's own frame, so the extrinsics are not
    needed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not laid out like this.
    """
    cameras, name, size = dict[int, Calibration](), -1, (0, 0)
    try:
        for line in path.read_text(encoding="latin1").splitlines():
            key, *values = line.split() or [""]
            if key == "name":
                name = int(values[0])
            elif key == "size":
                size = int(values[0]), int(values[1])
            elif key == "intrinsic":
                matrix = np.array(values, np.float64).reshape(4, 4)
                fx, fy, cx, cy = (float(matrix[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
                cameras[name] = Calibration((fx, fy, cx, cy), size)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path}, camera {name}: {error}; is the file whole?") from None
    if not cameras:
        raise ValueError(f"{path} names no camera; is it the right file?")
    return cameras
