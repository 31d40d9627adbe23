"""Which image files a user means: files, folders, patterns, and a list on standard input."""

from __future__ import annotations

import glob
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError

_NAMES = ("jpg", "jpeg", "jfif", "png", "apng", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "pbm")
IMAGE_ENDINGS = frozenset(f".{name}" for name in (*_NAMES, "jp2", "avif", "tga", "ico"))
"""Files of a folder that are read; files that are named are read whatever their ending."""


@dataclass(frozen=True)
class ImageFile:
    """An image to be predicted.

    Attributes:
        path: of the file.
        output: folder below the one for the results; `.` unless it was found by recursion.
        stem: first part of the names of its results; two images never have the same folder and stem.
    """

    path: Path
    output: Path
    stem: str


def find_images(names: Sequence[str], recursive: bool = False) -> list[ImageFile]:
    """The image files that `names` mean, each once, in their order; folders sorted.

    Args:
        names: files, folders, patterns such as `*.jpg`, or `-` for one name per line on standard input.
        recursive: read the folders in folders too; results keep their structure.

    Raises:
        ZooError: no such file, or no image at all.
    """
    found: dict[Path, Path] = {}
    for name in names:
        lines = [line.rstrip("\r\n") for line in sys.stdin] if name == "-" else [name]
        for path, output in _expand([line for line in lines if line], recursive):
            found.setdefault(path, output)
    if not found:
        where = "standard input" if list(names) == ["-"] else ", ".join(names)
        raise ZooError(f"no images in {where}" + ("" if recursive else "; --recursive reads folders in folders"))
    return _name(found)


def _expand(names: Iterable[str], recursive: bool) -> Iterable[tuple[Path, Path]]:
    for name in names:
        path = Path(name)
        if path.is_dir():
            files = path.rglob("*") if recursive else path.iterdir()
            for file in sorted(files):
                if file.suffix.lower() in IMAGE_ENDINGS and file.is_file() and not file.name.startswith("."):
                    yield file, file.parent.relative_to(path)
        elif path.exists() or not glob.has_magic(name):
            yield path, Path()  # one that does not exist is reported when it is read
        else:
            matches = sorted(glob.glob(name, recursive=recursive))  # noqa: PTH207 (Path.glob takes no absolute patterns)
            if not matches:
                raise ZooError(f"{name}: no such file")
            yield from _expand(matches, recursive)


def _name(found: dict[Path, Path]) -> list[ImageFile]:
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
        images.append(ImageFile(path, output, unique))
    return images
