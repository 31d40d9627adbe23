"""What the pickles of SMPL, MANO and 3DPW may name: stand-ins that keep what was stored, and what each one is worth.

Convention:
    Unpickling makes stand-ins only and computes nothing; `value` then builds numpy arrays from checked parts. Whatever
    `value` raises says that the file is damaged or forged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

Plain = Callable[[Any], Any]
"""Turns a stored object into plain numpy and Python ones; see `body.safe_pickle`."""

_KINDS = re.compile(r"[<>=|]?(?:\?|[biufcSU]\d+|[bi?])")
"""Numbers and text; nothing with fields, objects or dates."""
_MOST_CELLS = 1 << 24
"""Of a sparse matrix that comes out dense: a hundred times those of SMPL's joint regressor."""


_LONGEST = 1 << 48
"""Side of an array."""


class StandIn:
    """An object that a file describes: what it was made with, and the state that it was given afterwards."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def value(self, plain: Plain) -> Any:  # noqa: ARG002 (of most)
        """What it stands for; None for objects that are no data."""
        return None

    def attributes(self) -> Mapping[str, Any]:
        """The state as attributes by name."""
        if not isinstance(self.state, dict):
            raise ValueError(f"{type(self).__name__} without attributes")
        return self.state


class Name(StandIn):
    """A class that files name only as an argument (`numpy.ndarray`, `object`)."""


class Rebuilt(StandIn):
    """`copyreg._reconstructor`: an object of the class that is the first argument."""

    def value(self, plain: Plain) -> Any:
        """That of the object."""
        kind = self.arguments[0]
        if not (isinstance(kind, type) and issubclass(kind, StandIn)):
            raise ValueError("an object of an unexpected class")
        made = kind()
        made.state = self.state
        return made.value(plain)


class Encoded(StandIn):
    """`_codecs.encode`: bytes, written by Python 3 for Python 2."""

    def value(self, plain: Plain) -> bytes:  # noqa: ARG002
        """The bytes."""
        text, encoding = self.arguments
        if encoding != "latin1":
            raise ValueError("text in an unexpected encoding")
        return bytes(text.encode("latin1"))


class Empty(StandIn):
    """`bytes()`, as Python 3 writes no bytes for Python 2."""

    def value(self, plain: Plain) -> bytes:  # noqa: ARG002
        """No bytes."""
        if self.arguments:
            raise ValueError("bytes of something")
        return b""


class Dtype(StandIn):
    """`numpy.dtype`; its state holds the byte order, and fields that no data file needs."""

    @property
    def of_objects(self) -> bool:
        """Whether it is the kind of an array of Python objects."""
        return self.arguments[0] in ("O", "O8")

    def value(self, plain: Plain) -> np.dtype[Any]:  # noqa: ARG002
        """The kind, in the byte order of the file."""
        spec = self.arguments[0]
        if not isinstance(spec, str) or not _KINDS.fullmatch(spec):
            raise ValueError(f"an array of {spec!r}")
        kind = np.dtype(spec)
        if self.state is None:
            return kind
        order, *described = self.state[1:5]
        if any(part is not None for part in described):
            raise ValueError("an array with fields")
        return kind.newbyteorder(order) if order in ("<", ">") else kind


class Scalar(StandIn):
    """`numpy.core.multiarray.scalar`."""

    def value(self, plain: Plain) -> Any:
        """A numpy number."""
        kind, data = (plain(part) for part in self.arguments)
        return _array((), kind, data)[()]


class Array(StandIn):
    """`numpy.core.multiarray._reconstruct`, whose state is (version, shape, kind, column-major, content)."""

    def value(self, plain: Plain) -> np.ndarray | list[Any]:
        """The array, or the list of what an array of Python objects holds."""
        _, shape, kind, column_major, content = self.state
        if isinstance(kind, Dtype) and kind.of_objects:
            if not isinstance(content, list):
                raise ValueError("an array of Python objects without a list of them")
            return list(plain(content))
        return _array(shape, plain(kind), plain(content), "F" if column_major else "C")


class Buffer(StandIn):
    """`numpy.core.numeric._frombuffer`: an array of pickle protocol 5."""

    def value(self, plain: Plain) -> np.ndarray:
        """The array."""
        content, kind, shape, order = self.arguments
        return _array(shape, plain(kind), plain(content), order)


class Chumpy(StandIn):
    """chumpy's array: its value is the attribute `x`."""

    def value(self, plain: Plain) -> Any:
        """The array."""
        return plain(self.attributes().get("x"))


class Select(StandIn):
    """chumpy's selection: entries `idxs` of the flattened array `a`, reshaped to `preferred_shape`."""

    def value(self, plain: Plain) -> np.ndarray:
        """The selection."""
        state = self.attributes()
        picked = np.asarray(plain(state["a"])).ravel()[np.asarray(plain(state["idxs"]), np.int64)]
        return picked.reshape(plain(state.get("preferred_shape", picked.shape)))


class Sparse(StandIn):
    """A sparse matrix of scipy, which comes out dense."""

    form: ClassVar[type[sparse.spmatrix]]

    def parts(self, plain: Plain) -> tuple[Any, ...]:
        """Values, row or column of each, and where each column or row begins."""
        values, indices, starts = (plain(self.attributes()[name]) for name in ("data", "indices", "indptr"))
        return _numbers(values, "biufc"), _numbers(indices, "iu"), _numbers(starts, "iu")

    def value(self, plain: Plain) -> np.ndarray:
        """The dense matrix."""
        state = self.attributes()
        rows, columns = plain(state.get("_shape", state.get("shape")))
        if not (rows >= 0 and columns >= 0 and rows * columns <= _MOST_CELLS):
            raise ValueError(f"a matrix of {rows} x {columns}")
        matrix = self.form(self.parts(plain), shape=(rows, columns))
        if not isinstance(self, Coo):
            matrix.check_format(full_check=True)  # scipy would write where the indices say, outside of the array too
        return np.asarray(matrix.toarray())


class Csc(Sparse):
    """By columns."""

    form = sparse.csc_matrix


class Csr(Sparse):
    """By rows."""

    form = sparse.csr_matrix


class Coo(Sparse):
    """By coordinates, which scipy checks."""

    form = sparse.coo_matrix

    def parts(self, plain: Plain) -> tuple[Any, ...]:
        """Values and (rows, columns), named as older or newer versions of scipy name them."""
        state = self.attributes()
        rows, columns = plain(state["coords"]) if "coords" in state else (plain(state["row"]), plain(state["col"]))
        return _numbers(plain(state["data"]), "biufc"), (_numbers(rows, "iu"), _numbers(columns, "iu"))


def _numbers(array: Any, kinds: str) -> np.ndarray:
    """A list of numbers of one of numpy's kinds."""
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in kinds:
        raise ValueError("a matrix of what are no numbers")
    return array


def _array(shape: Any, kind: np.dtype[Any], content: Any, order: str = "C") -> np.ndarray:
    """An array in the machine's byte order, from exactly as many bytes as it needs."""
    shape = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not all(type(side) is int and 0 <= side < _LONGEST for side in shape) or order not in ("C", "F"):
        raise ValueError("an array of an impossible shape")
    if not isinstance(content, str | bytes | bytearray):
        raise ValueError("an array of what are no bytes")
    data = content.encode("latin1") if isinstance(content, str) else bytes(content)
    if len(data) != math.prod(shape) * kind.itemsize:
        raise ValueError(f"{len(data)} bytes for an array of shape {shape}")
    stored = np.frombuffer(data, kind) if data else np.empty(0, kind)
    return stored.astype(kind.newbyteorder("="), copy=True).reshape(shape, order=order)  # type: ignore[call-overload]


def _globals() -> Iterator[tuple[tuple[str, str], type[StandIn]]]:
    yield ("chumpy.ch", "Ch"), Chumpy
    yield ("chumpy.reordering", "Select"), Select
    yield ("numpy", "ndarray"), Name
    yield ("numpy", "dtype"), Dtype
    yield ("_codecs", "encode"), Encoded
    for module in ("__builtin__", "builtins"):
        yield (module, "object"), Name
        yield (module, "bytes"), Empty
    for module in ("copy_reg", "copyreg"):
        yield (module, "_reconstructor"), Rebuilt
    for core in ("numpy.core", "numpy._core"):
        yield (f"{core}.multiarray", "_reconstruct"), Array
        yield (f"{core}.multiarray", "scalar"), Scalar
        yield (f"{core}.numeric", "_frombuffer"), Buffer
    for name, kind in (("csc", Csc), ("csr", Csr), ("coo", Coo)):
        for module in (name, f"_{name}"):
            yield (f"scipy.sparse.{module}", f"{name}_matrix"), kind
            yield (f"scipy.sparse.{module}", f"{name}_array"), kind


ALLOWED: Mapping[tuple[str, str], type[StandIn]] = dict(_globals())
"""(module, name) that a file may name -> what stands for it."""
