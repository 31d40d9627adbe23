"""Sizes of one's own images, from the headers of their files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")
_ORIENTATION = 0x0112


def image_sizes(folder: Path, names: Sequence[str]) -> Float[np.ndarray, "rows 2"]:
    """Width and height of images as they are stored; a warning counts those that EXIF turns for a viewer.

    Raises:
        FileNotFoundError: an image is not there.
        ValueError: a file is no image.
    """
    sizes: dict[str, tuple[int, int]] = {}
    turned = []
    for name in dict.fromkeys(names):
        try:
            with Image.open(folder / name, formats=_FORMATS) as image:
                sizes[name] = image.size
                if image.getexif().get(_ORIENTATION, 1) != 1:
                    turned.append(name)
        except (FileNotFoundError, IsADirectoryError):
            raise FileNotFoundError(
                f"{folder / name} is not there, though a label names it; copy it there, or name the folder of the "
                f"images in `images`"
            ) from None
        except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError):
            raise ValueError(f"{folder / name} is no readable image of {', '.join(_FORMATS)}; copy it again") from None
    if turned:
        warnings.warn(
            f"{len(turned)} images are stored turned and shown upright (EXIF), the first one {turned[0]}: labels must "
            f"be in the pixels as stored; if they are not, save these images upright",
            stacklevel=2,
        )
    return np.array([sizes[name] for name in names], np.float64).reshape(-1, 2)
