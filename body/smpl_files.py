"""Reads SMPL and MANO files as distributed (pickles with chumpy objects), and turns them into npz."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from body.atomic import atomic_file
from body.safe_pickle import read_pickle

MODEL_ARRAYS = frozenset({"v_template", "shapedirs", "posedirs", "weights", "J_regressor", "kintree_table", "f"})
"""What every SMPL and MANO file holds."""


def read_smpl_file(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an SMPL or MANO file (`.pkl` as distributed, or `.npz`).

    Entries that are not arrays or numbers (names, settings) are left out; sparse matrices come out dense.

    Args:
        path: file to read.

    Raises:
        FileNotFoundError: no such file.
        pickle.UnpicklingError: the pickle asks for anything but numpy, scipy.sparse and chumpy data; nothing is run.
        ValueError: the file is no dictionary of arrays.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    if path.suffix == ".npz":
        return _read_npz(path)
    content = read_pickle(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no dictionary, so it is no SMPL or MANO file")
    kinds = (np.ndarray, np.generic, int, float)
    return {str(key): np.asarray(value) for key, value in content.items() if isinstance(value, kinds)}


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not an npz file of plain arrays ({error})") from None


def convert_smpl_file(path: Path, target: Path | None = None) -> Path:
    """Write an SMPL or MANO pickle as npz: no pickled objects, quicker to read, found by `load_body` like the original.

    Args:
        path: `.pkl` as distributed.
        target: where to; beside `path` with the ending `.npz` when omitted.

    Returns:
        The written file. It is as licensed as the original.

    Raises:
        FileNotFoundError, pickle.UnpicklingError: see `read_smpl_file`.
        ValueError: the file is neither SMPL nor MANO.
        OSError: the target cannot be written.
    """
    data = read_smpl_file(path)
    missing = sorted(MODEL_ARRAYS - data.keys())
    if missing:
        raise ValueError(f"{path} is neither SMPL nor MANO: missing {', '.join(missing)}")
    target = target or path.with_suffix(".npz")
    with atomic_file(target) as partial, partial.open("wb") as stream:
        np.savez(stream, **data)  # type: ignore[arg-type]  # keyword arguments are the arrays
    return target
