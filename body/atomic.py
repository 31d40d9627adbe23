"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """A file beside `target` to write to. It replaces the target when the block ends, and is removed if it fails.

    Its name is unique among all processes and machines that share the folder, its content is on the disk before it
    takes the target's name, and a symbolic link stays one: the file that it points to is replaced.

    Args:
        target: its folder is made where it is missing.

    Raises:
        OSError: the target is a device, a pipe or a folder, which no file can replace.
    """
    target = Path(os.path.realpath(target))
    if target.exists() and not target.is_file():
        raise OSError(f"{target} is no regular file, so it cannot be replaced; name a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    os.close(number)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(_mode(target))  # now: safetensors puts a file of its own in this one's place
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target` to write into. It becomes the target when the block ends, and is removed if it fails.

    Args:
        target: must not exist yet, but for an empty folder; the folder above it is made where it is missing.

    Raises:
        OSError: there is something of that name.
    """
    target = Path(os.path.realpath(target))
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(f"{target} exists, and nothing in it is replaced; name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent))
    try:
        yield partial
        partial.chmod(0o777 & ~_umask())  # `mkdtemp` makes folders for their owner alone
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _mode(target: Path) -> int:
    """Permissions of the file that is replaced, or those of a new one; `mkstemp` makes files for their owner alone."""
    if target.exists():
        return target.stat().st_mode & 0o777
    return 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
