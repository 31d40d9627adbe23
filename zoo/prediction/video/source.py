"""What a video is read from: a file, or a camera by its number."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from body.extras import import_extra
from zoo.errors import ZooError


@dataclass(frozen=True)
class VideoSource:
    """What PyAV opens.

    Attributes:
        url: file name, or name of a device.
        name: for messages and outputs.
        format: of devices; files say theirs.
        options: of the format.
    """

    url: str
    name: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Whether it goes on until it is stopped."""
        return self.format is not None


def file_source(path: Path) -> VideoSource:
    """A video file.

    Raises:
        ZooError: there is none.
    """
    if not path.is_file():
        raise ZooError(f"{path}: no such file" if not path.exists() else f"{path} is no file; name one video")
    return VideoSource(f"file:{path}", str(path))  # file: so that no name is taken for an address


def camera_source(number: int) -> VideoSource:
    """A camera of this computer.

    Raises:
        ZooError: there is none with this number, or the system's cameras cannot be opened by number.
    """
    name = f"camera{number}"
    if sys.platform == "darwin":
        return VideoSource(str(number), name, "avfoundation", {"framerate": "30"})
    if sys.platform != "linux":
        raise ZooError("cameras by number can be opened on Linux and macOS; record a file, and give its name")
    device = Path(f"/dev/video{number}")
    if not device.exists():
        cameras = ", ".join(sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video*")))
        raise ZooError(f"no camera {number} ({device}); there are {cameras or 'none'}")
    return VideoSource(str(device), name, "video4linux2")


def import_av() -> Any:
    """PyAV, which is optional.

    Raises:
        MissingExtra: it is not installed.
    """
    av = import_extra("av", "video")
    av.logging.set_level(av.logging.PANIC)  # what went wrong is reported in one line, by us
    return av
