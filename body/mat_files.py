"""MATLAB files, with errors that name the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from body.extras import import_extra


def read_mat(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Variables of a file up to version 7; cells are arrays of objects.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, of another version, or has not got a variable; the message names it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        content = loadmat(path, variable_names=list(names))
    except Exception as error:  # scipy's reader raises whatever it stumbles over
        raise ValueError(f"{path} is no whole MATLAB file ({error}); download or unpack it again") from None
    return {name: content[name] for name in _checked(path, names, content)}


def read_hdf5(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of a version 7.3 (HDF5) file; their axes are in the reverse of MATLAB's order.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, of another version, or has not got an array; the message names it.
    """
    try:
        with import_extra("h5py", "data").File(path, "r") as file:
            return {name: np.asarray(file[name]) for name in _checked(path, names, file)}
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} is no whole HDF5 file ({error}); download or unpack it again") from None


def _checked(path: Path, names: Sequence[str], there: object) -> Sequence[str]:
    missing = [name for name in names if name not in there]  # type: ignore[operator]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}; is it the right file?")
    return names
