"""Unpacks zip and tar files of unknown origin."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from body.atomic import atomic_folder
from zoo.errors import ZooError, one_line

_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # encrypted; NotImplementedError, of an unknown method, is one
)
_MOST_RATIO, _SMALL = 100, 10**9


def _refuse_bomb(path: Path, size: int) -> None:
    """Weights and images hardly compress; an archive that grows a hundredfold to gigabytes is made to fill disks."""
    if size > _SMALL and size > _MOST_RATIO * path.stat().st_size:
        raise ZooError(f"{path} was not unpacked: it would grow to {size / 1e9:.0f} GB, {_MOST_RATIO} times its size")


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive of files; a file of `torch.save` is not one."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return not any(name.endswith("/data.pkl") for name in archive.namelist())
    return tarfile.is_tarfile(path)


def unpack(path: Path, folder: Path) -> list[Path]:
    """Unpack the files of a zip or tar archive, all of them or none.

    Args:
        path: the archive.
        folder: destination, which must not exist or be empty; it appears when everything is unpacked.

    Returns:
        The files, sorted.

    Raises:
        ZooError: not an archive, or damaged, or a member is outside of the folder (absolute, or with `..`), a link or
            a device, or the folder is not empty. Nothing is left then.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as zipped:
                _refuse_bomb(path, sum(member.file_size for member in zipped.infolist()))
                return _extract(path, [(i.filename, partial(zipped.open, i)) for i in zipped.infolist()], folder)
        with tarfile.open(path) as tarred:
            return _extract(path, [(m.name, _reader(path, tarred, m)) for m in _within(path, tarred)], folder)
    except _DAMAGED as error:
        raise ZooError(f"{path} was not unpacked: {one_line(error)}") from None


def _within(path: Path, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Members; their sizes are known one by one, and the next one only after the last one was decompressed."""
    size = 0
    for member in archive:
        size += member.size
        _refuse_bomb(path, size)
        yield member


def _reader(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Callable[[], IO[bytes] | None]:
    if not (member.isreg() or member.isdir()):
        raise ZooError(f"{path} was not unpacked: {member.name!r} is a link or a device")
    return partial(archive.extractfile, member)  # None for a folder


def _extract(path: Path, members: list[tuple[str, Callable[[], IO[bytes] | None]]], folder: Path) -> list[Path]:
    for name, _ in members:
        for flavour in (PurePosixPath(name), PureWindowsPath(name)):
            if flavour.is_absolute() or flavour.drive or ".." in flavour.parts:
                raise ZooError(f"{path} was not unpacked: it would write {name!r}, outside of the folder")
    written = set()
    with atomic_folder(folder) as partial:
        for name, open_member in members:
            source = None if name.endswith("/") else open_member()
            if source is not None:
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
                written.add(folder / name)
    return sorted(written)
