"""People with 2D joints, and the tables that they make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, UnidentifiedImageError

from body.camera import default_intrinsics
from body.skeleton import MPII16, Skeleton
from datamodules.annotations import Annotations
from datamodules.columns import StringColumn

_SHIFT = 15.0
"""Stacked-hourglass training moves the person's centre down by this much per unit of scale, towards the feet."""


class People(NamedTuple):
    """Annotated people; pixels, counted from 0."""

    images: list[str]
    joints: Float[np.ndarray, "rows joints 2"]
    valid: Bool[np.ndarray, "rows joints"]
    boxes: Float[np.ndarray, "rows 4"]


MARGIN = 1.25
"""How much larger than the person's box the crops of stacked-hourglass training are."""


def person_boxes(centre: Float[np.ndarray, "rows 2"], scale: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "rows 4"]:
    """Squares of MPII's rough position and scale, whose side is a person's height of 200 pixels per unit of scale.

    With a margin of 1.25 they are the crops of stacked-hourglass networks.
    """
    return square_boxes(centre + np.stack([np.zeros_like(scale), _SHIFT * scale], 1), scale)


def square_boxes(centre: Float[np.ndarray, "rows 2"], scale: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "rows 4"]:
    """Squares of 200 pixels per unit of scale."""
    side = 200.0 * scale[:, None]
    return np.concatenate([centre - side / 2, side, side], 1)


def people_table(
    root: Path,
    people: People,
    sizes: Float[np.ndarray, "rows 2"] | None = None,
    skeleton: Skeleton = MPII16,
) -> Annotations:
    """A table of 2D people.

    Args:
        root: folder of the images.
        people: whom.
        sizes: width and height of the images; read from the files when omitted.
        skeleton: of the joints.
    """
    people = people._replace(images=[name.replace("\\", "/") for name in people.images])
    sizes = image_sizes(root, people.images) if sizes is None else sizes
    pairs, which = np.unique(sizes.astype(np.int64), axis=0, return_inverse=True)
    cameras = np.array([_camera(int(width), int(height)) for width, height in pairs], np.float32).reshape(-1, 4)
    return Annotations(
        skeleton=skeleton,
        images=StringColumn.of(people.images),
        intrinsics=cameras[which.reshape(-1)],
        boxes=people.boxes.astype(np.float32),
        joints_2d=(people.joints * people.valid[..., None]).astype(np.float32),
        joints_2d_valid=people.valid,
    )


def image_sizes(root: Path, names: Sequence[str]) -> Float[np.ndarray, "rows 2"]:
    """Width and height of images, from the headers of their files.

    Raises:
        FileNotFoundError: a image is not there.
        ValueError: a file is no image.
    """
    known: dict[str, tuple[int, int]] = {}
    for name in dict.fromkeys(names):
        try:
            with Image.open(root / name, formats=["JPEG", "PNG"]) as image:
                known[name] = image.size
        except FileNotFoundError:
            raise FileNotFoundError(f"{root / name} is not there, though an annotation names it") from None
        except UnidentifiedImageError:
            raise ValueError(f"{root / name} is not a readable image; unpack it again") from None
    return np.array([known[name] for name in names], np.float64).reshape(-1, 2)


def _camera(width: int, height: int) -> tuple[float, float, float, float]:
    matrix = default_intrinsics(width, height)
    return float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])
