"""Which images and videos a user means: files, folders, patterns, standard input, and cameras."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.prediction.standard_input import read_standard_input

_NAMES = ("jpg", "jpeg", "jfif", "png", "apng", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "pbm")
IMAGE_ENDINGS = frozenset(f".{name}" for name in (*_NAMES, "jp2", "avif", "tga", "ico"))
"""Files of a folder that are read; files that are named are read whatever their ending."""
_VIDEO_NAMES = (
    "mp4",
    "m4v",
    "mov",
    "avi",
    "mkv",
    "webm",
    "mpg",
    "mpeg",
    "ts",
    "m2ts",
    "mts",
    "wmv",
    "3gp",
    "flv",
    "ogv",
)
VIDEO_ENDINGS = frozenset(f".{name}" for name in _VIDEO_NAMES)
"""Files that are read as videos."""


@dataclass(frozen=True)
class SourceFile:
    """An image or a video to be predicted.

    Attributes:
        path: of the file; of a camera its number.
        output: folder below the one for the results; `.` unless it was found by recursion.
        stem: first part of the names of its results; two images never have the same folder and stem.
        is_camera: whether it is a camera.
    """

    path: Path
    output: Path
    stem: str
    is_camera: bool = False

    @property
    def is_video(self) -> bool:
        """Whether it has frames."""
        return self.is_camera or self.path.suffix.lower() in VIDEO_ENDINGS


def find_sources(names: Sequence[str], recursive: bool = False) -> list[SourceFile]:
    """The files that `names` mean, each once, in their order; folders sorted.

    Args:
        names: files, folders, patterns such as `*.jpg`, the number of a camera, or `-` for standard input: an image or
            a video itself, or one name per line.
        recursive: read the folders in folders too; results keep their structure.

    Raises:
        ZooError: no such file, or no image or video at all.
    """
    found: dict[Path, Path] = {}
    for name in names:
        for path, output in _expand(read_standard_input() if name == "-" else [name], recursive):
            found.setdefault(path, output)
    if not found:
        where = "standard input" if list(names) == ["-"] else ", ".join(names)
        raise ZooError(
            f"no images or videos in {where}" + ("" if recursive else "; --recursive reads folders in folders")
        )
    return _name(found)


def _expand(names: Iterable[str], recursive: bool) -> Iterable[tuple[Path, Path]]:
    for name in names:
        path = Path(name)
        if "://" in name and not path.exists():
            raise ZooError(f"{name} is an address; download it first, and name the file")
        if path.is_dir():
            files = path.rglob("*") if recursive else path.iterdir()
            for file in sorted(files):
                if (
                    file.suffix.lower() in IMAGE_ENDINGS | VIDEO_ENDINGS
                    and file.is_file()
                    and not file.name.startswith(".")
                ):
                    yield file, file.parent.relative_to(path)
        elif path.exists() or not glob.has_magic(name):
            yield path, Path()  # one that does not exist is reported when it is read
        else:
            matches = sorted(glob.glob(name, recursive=recursive))  # noqa: PTH207 (Path.glob takes no absolute patterns)
            if not matches:
                raise ZooError(f"{name}: no such file")
            yield from _expand(matches, recursive)


def _name(found: dict[Path, Path]) -> list[SourceFile]:
    """Stems; with the ending where two images differ in nothing else, with a number where even that fails."""
    stems = Counter((output, path.stem) for path, output in found.items())
    used: set[tuple[Path, str]] = set()
    images = []
    for path, output in found.items():
        stem = path.stem if stems[output, path.stem] == 1 else path.name.replace(".", "_")
        unique, number = stem, 2
        while (output, unique) in used:
            unique, number = f"{stem}_{number}", number + 1
        used.add((output, unique))
        is_camera = is_camera_number(str(path))
        images.append(SourceFile(path, output, f"camera{unique}" if is_camera else unique, is_camera))
    return images


def is_camera_number(name: str) -> bool:
    """Whether a name means a camera: up to three digits, and no file has it."""
    return len(name) <= 3 and name.isascii() and name.isdecimal() and not Path(name).exists()
