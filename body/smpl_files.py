"""Reads SMPL and MANO files as distributed, without chumpy and without running anything that a file names."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np
from scipy.sparse import csc_matrix


class _Stored:
    """Stand-in for an object of a package that is not installed: keeps the pickled attributes."""

    state: dict[str, Any]

    def __new__(cls, *_: Any) -> _Stored:
        stored = super().__new__(cls)
        stored.state = {}
        return stored

    def __init__(self, *_: Any) -> None:
        """Take and ignore whatever the pickle passes."""

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}


class _Ch(_Stored):
    """chumpy array: its value is the attribute `x`."""


class _Select(_Stored):
    """chumpy selection: entries `idxs` of the flattened array `a`, reshaped to `preferred_shape`."""


class _Csc(_Stored):
    """scipy's compressed sparse column matrix."""


class _Name(_Stored):
    """A class that files name only as an argument (`numpy.ndarray`, `object`)."""


def _empty_array(*_: Any) -> np.ndarray:
    return np.ndarray.__new__(np.ndarray, (0,), "b")  # the pickled state that follows fills it


def _dtype(spec: Any, *_: Any) -> np.dtype[Any]:
    kind = np.dtype(str(spec))
    if kind.hasobject:
        raise pickle.UnpicklingError("refused: the file holds an array of Python objects")
    return kind


def _scalar(kind: np.dtype[Any], data: bytes | str) -> Any:
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, kind)[0]


def _new(cls: type, *_: Any) -> _Stored:
    if not (isinstance(cls, type) and issubclass(cls, _Stored)):
        raise pickle.UnpicklingError("refused: the file rebuilds an object of an unexpected class")
    return cls()


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"refused: unexpected text encoding {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("chumpy.ch", "Ch"): _Ch,
    ("chumpy.reordering", "Select"): _Select,
    ("numpy", "ndarray"): _Name,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,
}
_ALLOWED |= {(module, "csc_matrix"): _Csc for module in ("scipy.sparse.csc", "scipy.sparse._csc")}
_ALLOWED |= {(module, "object"): _Name for module in ("__builtin__", "builtins")}
_ALLOWED |= {(module, "_reconstructor"): _new for module in ("copy_reg", "copyreg")}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _ALLOWED |= {(_module, "_reconstruct"): _empty_array, (_module, "scalar"): _scalar}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f"refused: the file asks for {module}.{name}, which no SMPL or MANO file needs"
            )
        return _ALLOWED[module, name]


def _plain(value: Any) -> np.ndarray | None:
    """The array behind a stored value, or None when it is none."""
    if isinstance(value, _Ch):
        return _plain(value.state.get("x"))
    if isinstance(value, _Select):
        source = _plain(value.state.get("a"))
        picked = None if source is None else source.ravel()[np.asarray(value.state["idxs"], dtype=np.int64)]
        return None if picked is None else picked.reshape(value.state.get("preferred_shape", picked.shape))
    if isinstance(value, _Csc):
        state = value.state
        parts = (state["data"], state["indices"], state["indptr"])
        return np.asarray(csc_matrix(parts, shape=state.get("_shape", state.get("shape"))).toarray())
    if isinstance(value, (np.ndarray, np.generic, int, float)):
        return np.asarray(value)
    return None


def _read_pickle(file: IO[bytes], path: Path) -> dict[str, np.ndarray]:
    content = _Restricted(file, encoding="latin1").load()
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no dictionary, so it is no SMPL or MANO file")
    arrays = {str(key): _plain(value) for key, value in content.items()}
    return {key: array for key, array in arrays.items() if array is not None}


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
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    with path.open("rb") as file:
        return _read_pickle(file, path)
