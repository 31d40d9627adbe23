"""DensePose's annotations: points on the surface and coarse part masks, in the pixels of images and crops.

Convention:
    A person's annotations are made in its box, scaled to 256 x 256: pixel = box corner + value / 255 * box side, for
    points and for the pixel centres of the mask alike. Example: a box at x = 20, 70 wide: value 255 is pixel 90.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from body.assets import find_asset
from body.mat_files import read_mat

_FILE = "densepose/UV_symmetry_transforms.mat"
_MASK_SIDE = 256
_MIRRORED_PART = np.array([0, 1, 2, *(part + 1 if part % 2 else part - 1 for part in range(3, 25))], np.uint8)
"""Part on the other side; the two parts of the torso are their own."""
_MIRRORED_COARSE = np.array([0, 1, *(part + 1 if part % 2 == 0 else part - 1 for part in range(2, 14)), 14], np.uint8)
"""The same for the 14 coarse parts: torso and head have no other side."""


def points_in_image(
    values: Float[np.ndarray, "points 2"], boxes: Float[np.ndarray, "points 4"]
) -> Float[np.ndarray, "points 2"]:
    """Pixels of annotated points (`dp_x`, `dp_y`), each with the box of its person (x, y, width, height)."""
    return boxes[:, :2] + values / (_MASK_SIDE - 1) * boxes[:, 2:]


def mask_in_image(
    mask: UInt8[np.ndarray, "256 256"], box: Float[np.ndarray, "4"], size: tuple[int, int]
) -> UInt8[np.ndarray, "height width"]:
    """A person's mask in the pixels of the image, the nearest label of each.

    Args:
        mask: coarse part 1 to 14 of every pixel of the scaled box, 0 elsewhere.
        box: x, y, width, height.
        size: width and height of the image (or of any grid that the box is in pixels of).

    Raises:
        ValueError: the box is empty.
    """
    if min(box[2:]) <= 0:
        raise ValueError(f"a mask needs a box, not {box}")
    columns = np.rint((np.arange(size[0]) - box[0]) * (_MASK_SIDE - 1) / box[2]).astype(int)
    rows = np.rint((np.arange(size[1]) - box[1]) * (_MASK_SIDE - 1) / box[3]).astype(int)
    inside_x, inside_y = (columns >= 0) & (columns < _MASK_SIDE), (rows >= 0) & (rows < _MASK_SIDE)
    image = np.zeros((size[1], size[0]), np.uint8)
    image[np.ix_(inside_y, inside_x)] = mask[np.ix_(rows[inside_y], columns[inside_x])]
    return image


def mirror_dense(
    points: Float[np.ndarray, "points 5"], valid: Bool[np.ndarray, " points"], mask: UInt8[np.ndarray, "height width"]
) -> tuple[Float[np.ndarray, "points 5"], UInt8[np.ndarray, "height width"]]:
    """What the labels say of a mirrored image, whose pixels were mirrored already.

    Convention:
        Parts change sides. U and V are looked up in DensePose's tables of the part before mirroring, in row 255 V and
        column 255 U, rounded down. (DensePose mirrors x in the box to 256 - x; pixels that are mirrored with the
        image are 255 - x.)

    Args:
        points: x, y, part, U, V.
        valid: which of them are annotated; the others stay as they are.
        mask: coarse parts.

    Raises:
        FileNotFoundError: there are points, but the user has no `UV_symmetry_transforms.mat`; the message says how to
            get it.
        ValueError: it is not DensePose's file, or a part or coordinate is out of range.
    """
    mirrored = points.copy()
    if valid.any():
        part = points[valid, 2].astype(int)
        # points were rounded to float32 on the way: 0.999999 is meant to be 1
        texel = np.floor(points[valid, 3:].astype(np.float64) * 255 + 1e-4).astype(int)
        if part.min() < 1 or part.max() > 24 or texel.min() < 0 or texel.max() > 255:
            raise ValueError("DensePose points need parts from 1 to 24, and U and V from 0 to 1")
        mirrored[valid, 2] = _MIRRORED_PART[part]
        mirrored[valid, 3:] = _tables(_symmetry_file())[part - 1, texel[:, 1], texel[:, 0]]
    return mirrored, _MIRRORED_COARSE[mask]


def _symmetry_file() -> Path:
    found = find_asset(_FILE)
    if found is None:
        raise FileNotFoundError(
            f"mirroring DensePose's points needs $ZOO_ASSETS/{_FILE}: run get_densepose_uv.sh of "
            f"github.com/facebookresearch/DensePose, or set augmentation.flip_probability to 0"
        )
    return found


@cache
def _tables(path: Path) -> Float[np.ndarray, "24 256 256 2"]:
    """U and V on the other side, by part, row (V) and column (U)."""
    content = read_mat(path, ("U_transforms", "V_transforms"))
    try:
        tables = [np.stack([table.astype(np.float32) for table in cells.reshape(-1)]) for cells in content.values()]
        stacked = np.stack(tables, -1)
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{path} is not DensePose's table of mirrored charts ({error}); fetch it again") from None
    if stacked.shape != (24, 256, 256, 2):
        raise ValueError(f"{path} must hold 24 tables of 256 x 256, not {stacked.shape[:-1]}")
    return stacked
