"""Image files of benchmarks, read as they are stored."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

_JPEG, _END = b"\xff\xd8", np.frombuffer(b"\xff\xd9", np.uint8)
_BLOCK = 8  # pixels of a side that JPEG codes together


class UnreadableImageError(ValueError):
    """A file that is no image, or is damaged; the message names it."""


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """An 8-bit RGB image, in the orientation that it is stored in: labels do not follow EXIF.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: the file cannot be decoded.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is not there, though an annotation names it; unpack or extract the benchmark's images"
        ) from None
    image = decode_image(data)
    if image is None:
        raise UnreadableImageError(f"{path} is not a readable image; it may be truncated, so copy or extract it again")
    return image


def decode_image(data: UInt8[np.ndarray, " bytes"]) -> UInt8[np.ndarray, "height width 3"] | None:
    """RGB of a file's bytes; None when it is no image or lacks pixels. A JPEG may lack its end marker."""
    image = _decode(data)
    if image is None and data[:2].tobytes() == _JPEG:
        image = _decode(complete_jpeg(data))
        if image is not None and is_flat_at_end(image):
            image = None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def is_flat_at_end(image: UInt8[np.ndarray, "height width *channels"]) -> bool:
    """Whether a decoded JPEG, as it is stored, lacks pixels: these come out flat."""
    return bool(np.ptp(image[-_BLOCK:, -_BLOCK:], axis=(0, 1)).max() == 0)


def complete_jpeg(data: UInt8[np.ndarray, " bytes"]) -> UInt8[np.ndarray, " completed"]:
    """The bytes of a JPEG whose end marker is missing, in whole or in half, with it."""
    return np.concatenate([data[:-1] if data[-1:] == _END[:1] else data, _END])


def _decode(data: UInt8[np.ndarray, " bytes"]) -> UInt8[np.ndarray, "height width 3"] | None:
    if not len(data):
        return None
    try:
        return cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # such as a size beyond OpenCV's limit
        return None
