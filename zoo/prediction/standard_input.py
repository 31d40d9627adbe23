"""What comes on standard input: an image, a video, or names of files."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from io import BufferedIOBase
from pathlib import Path
from typing import cast

_HEAD = 4096
_VIDEO_MARKS = ((4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (8, b"AVI "), (0, b"FLV"), (0, b"\x00\x00\x01\xba"), (0, b"G@"))
"""Where the beginnings of MP4, Matroska, AVI, FLV and MPEG files say what they are."""
_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"mif1")
"""Images in MP4's container."""


def read_standard_input() -> list[str]:
    """Names of files: one per line, or the one of a temporary file that what came was written to.

    It is binary if its first 4096 bytes hold a zero, as those of images and videos do. The temporary file is called
    `stdin`, with the ending `.mp4` for a video, and is removed when the process ends.
    """
    stream = sys.stdin.buffer
    head = stream.read(_HEAD)
    if b"\0" in head:
        return [str(_keep(head, cast("BufferedIOBase", stream)))]
    text = (head + stream.read()).decode(sys.getfilesystemencoding(), "surrogateescape")
    return [line for line in text.splitlines() if line]


def _keep(head: bytes, rest: BufferedIOBase) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="zoo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    is_video = any(head[start : start + len(mark)] == mark for start, mark in _VIDEO_MARKS)
    path = folder / ("stdin.mp4" if is_video and head[8:12] not in _IMAGE_BRANDS else "stdin")
    with path.open("wb") as target:
        target.write(head)
        shutil.copyfileobj(rest, target)
    return path
