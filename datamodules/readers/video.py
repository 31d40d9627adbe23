"""Frames of videos as image files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from body.atomic import atomic_file

Image = UInt8[np.ndarray, "height width 3"]


def extract_frames(
    video: Path, files: Mapping[int, Path], change: Callable[[Image], Image] | None = None, quality: int = 95
) -> int:
    """Write frames of a video as images, skipping those that are there already.

    Frames are decoded one after the other from the first: seeking in a compressed video may land on a neighbour. An
    image appears under its name only when it is whole, so an interrupted run can be continued.

    Args:
        video: the file.
        files: image of every wanted frame, counted from 0; the suffix tells the format.
        change: applied to a frame (blue, green, red) before it is written.
        quality: of JPEGs, 1 to 100.

    Returns:
        How many images were written.

    Raises:
        FileNotFoundError: no such video.
        ValueError: the video cannot be decoded, or ends before the last wanted frame.
    """
    missing = {frame: path for frame, path in files.items() if not path.is_file()}
    for frame, image in decode(video, missing):
        _write(missing[frame], image if change is None else change(image), quality)
    return len(missing)


def decode(video: Path, wanted: Collection[int]) -> Iterator[tuple[int, Image]]:
    """Frames of a video (blue, green, red) by number, counted from 0, in order.

    Raises:
        FileNotFoundError: no such video.
        ValueError: the video cannot be decoded, or ends before the last wanted frame.
    """
    if not wanted:
        return
    if not video.is_file():
        raise FileNotFoundError(f"no video {video}")
    reader = cv2.VideoCapture(str(video))
    try:
        for frame in range(max(wanted) + 1):
            if not reader.grab():
                reason = f"ends after {frame} frames, but frame {max(wanted)} is needed" if frame else "is no video"
                raise ValueError(f"{video} {reason}; it may be truncated, so download or unpack it again")
            if frame in wanted:
                yield frame, reader.retrieve()[1]
    finally:
        reader.release()


def _write(path: Path, image: Image, quality: int) -> None:
    whole, data = cv2.imencode(path.suffix, image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not whole:
        raise ValueError(f"cannot encode {path}")
    with atomic_file(path) as partial:
        data.tofile(partial)
