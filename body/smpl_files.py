"""Reads SMPL and MANO files as distributed (pickles with chumpy objects), and converts them to npz."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from body.atomic import atomic_file
from body.safe_pickle import read_pickle

_MODELS = {
    (6890, 24): "SMPL",
    (778, 16): "MANO",
    (6890, 52): "SMPL+H",
    (10475, 55): "SMPL-X",
    (5023, 5): "FLAME",
}
"""Which model has so many vertices and joints."""
MODEL_ARRAYS = frozenset({"v_template", "shapedirs", "posedirs", "weights", "J_regressor", "kintree_table", "f"})
"""What every SMPL and MANO file holds."""


def read_smpl_file(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an SMPL or MANO file (`.pkl` as distributed, or `.npz`).

    Entries that are not arrays or numbers (names, settings) are left out; sparse matrices come out dense.

    Args:
        path: file to read.

    Raises:
        FileNotFoundError: no such file.
        UnreadablePickle: the pickle is damaged, or asks for anything but numpy, scipy.sparse and chumpy data; nothing
            is run.
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


def model_of(data: Mapping[str, np.ndarray], path: Path) -> Literal["SMPL", "MANO"]:
    """Which model arrays are of.

    Args:
        data: see `read_smpl_file`.
        path: where they are from, for the message.

    Raises:
        ValueError: they are of another model of the family, or incomplete, or do not fit together.
    """
    missing = sorted(MODEL_ARRAYS - data.keys())
    if missing:
        raise ValueError(f"{path} is neither SMPL nor MANO: missing {', '.join(missing)}")
    vertices, joints = len(np.atleast_1d(data["v_template"])), np.shape(data["kintree_table"])[-1:] or (0,)
    name = _MODELS.get((vertices, joints[0]))
    what = f"{path} is {name or 'neither SMPL nor MANO'}: {vertices} vertices and {joints[0]} joints"
    if name not in ("SMPL", "MANO"):
        raise ValueError(f"{what}; SMPL has 6890 and 24, MANO 778 and 16")
    wrong = _misfits(data, vertices, joints[0])
    if wrong:
        raise ValueError(f"{what}, but {', '.join(wrong)} do not fit them; download it again")
    return "SMPL" if name == "SMPL" else "MANO"


def _misfits(data: Mapping[str, np.ndarray], vertices: int, joints: int) -> list[str]:
    """Arrays that have not the shape of a model, or hold what is no number."""
    starts = {
        "v_template": (vertices, 3),
        "weights": (vertices, joints),
        "shapedirs": (vertices, 3),
        "posedirs": (vertices, 3),
        "J_regressor": (joints, vertices),
    }
    wrong = [name for name, shape in starts.items() if np.shape(data[name])[:2] != shape]
    wrong += [name for name in starts if name not in wrong and not np.isfinite(data[name]).all()]
    faces = data["f"]
    fits = faces.ndim == 2 and faces.shape[1] == 3 and len(faces) > 0 and 0 <= faces.min() <= faces.max() < vertices
    return wrong if fits else [*wrong, "f"]


def convert_smpl_file(path: Path, target: Path | None = None) -> Path:
    """Write an SMPL or MANO pickle as npz: no pickled objects, quicker to read, found by `load_body` like the original.

    Args:
        path: `.pkl` as distributed.
        target: where to; beside `path` with the ending `.npz` when omitted.

    Returns:
        The written file. It is as licensed as the original.

    Raises:
        FileNotFoundError, UnreadablePickle: see `read_smpl_file`.
        ValueError: the file is neither SMPL nor MANO, or damaged.
        OSError: the target cannot be written.
    """
    data = read_smpl_file(path)
    model_of(data, path)
    target = target or path.with_suffix(".npz")
    with atomic_file(target) as partial, partial.open("wb") as stream:
        np.savez(stream, **data)  # type: ignore[arg-type]  # keyword arguments are the arrays
    return target
