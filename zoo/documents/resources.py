"""Files that are distributed with the package, in a checkout and in an installed wheel; version, cache, checksums."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from body.choices import unknown_name
from zoo.errors import ZooError

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
VERSION = "0.2.0"


def resource_path(name: str) -> Path:
    """Path of `checkpoints.yaml` or `configs`: inside the package when installed, beside it in a checkout.

    Raises:
        ZooError: in neither; the installation is incomplete.
    """
    for folder in (PACKAGE_FOLDER, PACKAGE_FOLDER.parent):
        if (folder / name).exists():
            return folder / name
    raise ZooError(f"{name} is missing from {PACKAGE_FOLDER}; reinstall human-mesh-zoo")


def weights_folder() -> Path:
    """Folder of the weights that ship with the package."""
    return PACKAGE_FOLDER / "checkpoints" / "weights"


def cache_folder() -> Path:
    """Folder for generated data: `$ZOO_CACHE`, else `~/.cache/human-mesh-zoo`; as in `datamodules.synthetic.cache`."""
    return Path(os.environ.get("ZOO_CACHE") or "~/.cache/human-mesh-zoo").expanduser()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def list_configs() -> list[str]:
    """Names of the bundled configurations, such as `i2l_meshnet/open_tiny`; not those that are only bases of others."""
    folder = resource_path("configs")
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))
    return sorted(name for name in names if not name.startswith("_base/"))


def find_config(name: str) -> Path:
    """Path of a configuration given as a file, as `method/name`, or as `configs/method/name.yaml` from anywhere.

    Raises:
        ZooError: no such file and no such bundled configuration.
    """
    path = Path(name)
    if path.is_file():
        return path
    bundled = resource_path("configs") / f"{name.removeprefix('configs/').removesuffix('.yaml')}.yaml"
    if bundled.is_file():
        return bundled
    raise ZooError(f"{unknown_name('configuration', name, list_configs())} (or give a file)")


def config_name(path: Path) -> str:
    """Short name of a configuration file: its folder and stem, such as `i2l_meshnet/open_tiny`."""
    path = path.resolve()
    return f"{path.parent.name}/{path.stem}"
