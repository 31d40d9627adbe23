"""Unpacks zip and tar files of unknown origin."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from zoo.errors import ZooError


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive of files; one that `torch.save` wrote, a zip by format, is none."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return not any(name.endswith("/data.pkl") for name in archive.namelist())
    return tarfile.is_tarfile(path)


def unpack(path: Path, folder: Path) -> list[Path]:
    """Unpack a zip or tar archive, all of it or nothing.

    Args:
        path: the archive.
        folder: where to; created if need be.

    Returns:
        The files, sorted.

    Raises:
        ZooError: no archive, or it names something outside of the folder (an absolute name, `..`, a link out of it, a
            device); then nothing is written.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as zipped:
                _check_names(path, zipped.namelist())
                zipped.extractall(folder)
        else:
            with tarfile.open(path) as tarred:
                _check_names(path, tarred.getnames())
                for member in tarred.getmembers():
                    tarfile.data_filter(member, str(folder))  # raises for links and devices before anything is written
                tarred.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ZooError(f"{path} was not unpacked: {' '.join(str(error).split())}") from None
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _check_names(path: Path, names: list[str]) -> None:
    for name in names:
        for flavour in (PurePosixPath(name), PureWindowsPath(name)):
            if flavour.is_absolute() or flavour.drive or ".." in flavour.parts:
                raise ZooError(f"{path} was not unpacked: it would write {name!r}, outside of the folder")
