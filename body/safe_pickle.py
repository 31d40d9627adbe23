"""Reads the pickles in which SMPL, MANO and 3DPW are distributed, without running anything that a file names."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix


class _Refused(pickle.UnpicklingError):
    """The file asks for something that no data file needs."""


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
        raise _Refused("refused: the file holds an array of Python objects")
    return kind


def _scalar(kind: np.dtype[Any], data: bytes | str) -> Any:
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, kind)[0]


def _new(cls: type, *_: Any) -> _Stored:
    if not (isinstance(cls, type) and issubclass(cls, _Stored)):
        raise _Refused("refused: the file rebuilds an object of an unexpected class")
    return cls()


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise _Refused(f"refused: unexpected text encoding {encoding!r}")
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
            raise _Refused(
                f"refused: the file asks for {module}.{name}, which is neither numpy, scipy.sparse nor chumpy data"
            )
        return _ALLOWED[module, name]


def read_pickle(path: Path) -> Any:
    """Contents of a pickle of arrays, numbers, text and containers of them.

    Arrays of chumpy and sparse matrices come out as numpy arrays, Python 2's byte strings as text (latin-1), objects of
    other kinds as None. Nothing that the file names is imported or called.

    Args:
        path: such as `SMPL_NEUTRAL.pkl`, `MANO_RIGHT.pkl` or `sequenceFiles/test/downtown_arguing_00.pkl` of 3DPW.

    Raises:
        FileNotFoundError: no such file.
        pickle.UnpicklingError: the file asks for anything else, or is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    with path.open("rb") as file:
        try:
            return _plain(_Restricted(file, encoding="latin1").load())
        except _Refused:
            raise
        except Exception as error:  # a damaged stream fails in many ways; none of them is this caller's
            raise pickle.UnpicklingError(f"{path} is damaged or no pickle ({type(error).__name__})") from None


class _Objects(_Stored):
    """The kind of an array of Python objects."""


class _Array(_Stored):
    """An array: numpy's own, or the list of what an array of objects holds, so that numpy never makes one of those."""

    def __setstate__(self, state: Any) -> None:
        kind, content = state[2], state[4]
        if not isinstance(kind, _Objects):
            array = _empty_array()
            array.__setstate__(state)
            self.state = {"value": array}
        elif isinstance(content, list):
            self.state = {"value": content}
        else:
            raise _Refused("refused: an array of Python objects without a list of them")


class _RestrictedObjects(_Restricted):
    def find_class(self, module: str, name: str) -> Any:
        allowed = super().find_class(module, name)
        if allowed is _dtype:
            return lambda spec, *rest: _Objects() if str(spec) in ("O", "O8") else _dtype(spec, *rest)
        return (lambda *_: _Array()) if allowed is _empty_array else allowed


def read_object_array(path: Path, name: str) -> list[Any]:
    """What an array of objects in an npz file holds (DaNet's `dp_annot`), without numpy's `allow_pickle`.

    Args:
        path: npz file.
        name: of the array.

    Returns:
        Numbers, text, arrays and containers of them, in the order of the array.

    Raises:
        ValueError: the file is no npz file, or has no such array of objects.
        pickle.UnpicklingError: see `read_pickle`.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            kind = read(file)[2]
            content = file.read()
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} is not an npz file with an array {name!r} ({error})") from None
    if not kind.hasobject:
        raise ValueError(f"{path}: {name!r} is not an array of objects")
    try:
        found = _plain(_RestrictedObjects(io.BytesIO(content), encoding="latin1").load())
    except _Refused:
        raise
    except Exception as error:  # as in `read_pickle`
        raise pickle.UnpicklingError(f"{path}: {name!r} is damaged ({type(error).__name__})") from None
    if not isinstance(found, list):
        raise ValueError(f"{path}: {name!r} is not an array of objects")
    return found


def _plain(value: Any) -> Any:
    """A stored value as numpy arrays, numbers, text and containers of them; None for what is none of these."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, _Array):
        return _plain(value.state["value"])
    if isinstance(value, _Ch):
        return _plain(value.state.get("x"))
    if isinstance(value, _Select):
        source = _plain(value.state["a"])
        picked = source.ravel()[np.asarray(value.state["idxs"], dtype=np.int64)]
        return picked.reshape(value.state.get("preferred_shape", picked.shape))
    if isinstance(value, _Csc):
        state = value.state
        parts = (state["data"], state["indices"], state["indptr"])
        return np.asarray(csc_matrix(parts, shape=state.get("_shape", state.get("shape"))).toarray())
    return None if isinstance(value, _Stored) else value
