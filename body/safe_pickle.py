"""Reads the pickles in which SMPL, MANO and 3DPW are distributed, without running anything that a file names.

A pickle is a program for a small machine. Here the machine knows only the instructions that data needs, every object is
a stand-in of `body.pickle_stand_ins`, and nothing is computed before the whole file has been read. Python's own
implementation of the machine is used, not the one in C: that one reserves memory for any number a file states.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from body.pickle_stand_ins import ALLOWED, StandIn

_OPCODES = (
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP"),
    *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BYTEARRAY8"),
    *("TUPLE", "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "LIST", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("DICT", "EMPTY_DICT", "SETITEM", "SETITEMS"),
    *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "NEWOBJ", "BUILD"),
)
_SHARING = 4
"""How many times as large as the file its content may be, counted in numbers and words; shared parts count again."""


class UnreadablePickle(pickle.UnpicklingError):
    """The file is damaged, or asks for something that no data file needs."""


class _Refused(Exception):
    """The file asks for something that no data file needs."""


class _Machine(pickle._Unpickler):
    """An unpickler without the instructions that call, import or change anything."""

    stack: list[Any]
    read: Callable[[int], bytes]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self.size = len(content)

    def find_class(self, module: str, name: str) -> type[StandIn]:
        if (module, name) not in ALLOWED:
            asked = f"{module}.{name}"[:80]
            raise _Refused(f"it asks for {asked!a}, which is neither numpy, scipy.sparse nor chumpy data")
        return ALLOWED[module, name]

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = _made(self.stack[-1], arguments)

    def load_build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, StandIn):
            raise _Refused("it changes what is no object of its own")
        made.state = state

    def load_bytearray8(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(min(length, self.size)))

    def load_append(self) -> None:
        _container(self.stack[-2], list).append(self.stack.pop())

    def load_appends(self) -> None:
        items = self.pop_mark()
        _container(self.stack[-1], list).extend(items)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _container(self.stack[-1], dict)[key] = value

    def load_setitems(self) -> None:
        items = self.pop_mark()
        _container(self.stack[-1], dict).update(zip(items[::2], items[1::2], strict=True))

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        **{ord(getattr(pickle, name)): pickle._Unpickler.dispatch[ord(getattr(pickle, name))] for name in _OPCODES},
        ord(pickle.REDUCE): load_reduce,
        ord(pickle.NEWOBJ): load_reduce,
        ord(pickle.BUILD): load_build,
        ord(pickle.BYTEARRAY8): load_bytearray8,
        ord(pickle.APPEND): load_append,
        ord(pickle.APPENDS): load_appends,
        ord(pickle.SETITEM): load_setitem,
        ord(pickle.SETITEMS): load_setitems,
    }


def _made(kind: Any, arguments: Any) -> StandIn:
    if not (isinstance(kind, type) and issubclass(kind, StandIn) and isinstance(arguments, tuple)):
        raise _Refused("it calls what is no class of data")
    return kind(*arguments)


def _container(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise _Refused(f"it fills what is no {kind.__name__}")
    return value


class _Conversion:
    """Stored objects as numpy arrays, numbers, text and containers of them; each one once, however often it is named.

    Args:
        most: numbers, words and containers that may come out, those of shared parts counted every time.
    """

    def __init__(self, most: int) -> None:
        self.most, self.count = most, 0
        self.done: dict[int, tuple[Any, int]] = {}
        self.open: set[int] = set()

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict | list | tuple | StandIn):
            return None if isinstance(value, type) else value
        key, start = id(value), self.count
        if key in self.open:
            raise _Refused("it holds something that holds itself")
        if key in self.done:
            plain, size = self.done[key]
            self._counted(size)
            return plain
        self.open.add(key)
        self._counted(1)
        plain = self._converted(value)
        self.open.discard(key)
        self.done[key] = plain, self.count - start
        return plain

    def _converted(self, value: Any) -> Any:
        if isinstance(value, StandIn):
            return value.value(self)
        self._counted(len(value))
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        return type(value)(self(item) for item in value)

    def _counted(self, more: int) -> None:
        self.count += more
        if self.count > self.most:
            raise _Refused("its parts are shared so often that they would not fit into memory")


def _load(content: bytes, name: str) -> Any:
    """Contents of a pickle; `name` says in messages where it is from.

    Raises:
        UnreadablePickle: see `read_pickle`.
    """
    try:
        return _Conversion(_SHARING * len(content) + 1000)(_Machine(content).load())
    except _Refused as refused:
        raise UnreadablePickle(
            f"{name} is refused: {refused}; take it from where it is distributed, not from anybody else"
        ) from None
    except Exception as error:  # a damaged stream fails in many ways; none of them is this caller's
        what = f"{type(error).__name__}: {error}".partition("\n")[0][:100]
        raise UnreadablePickle(f"{name} is damaged or no pickle ({what}); download or unpack it again") from None


def read_pickle(path: Path) -> Any:
    """Contents of a pickle of arrays, numbers, text and containers of them, of protocol 0 to 5.

    Arrays of chumpy and sparse matrices come out as numpy arrays in the machine's byte order, Python 2's byte strings
    as text (latin-1), arrays of objects as lists, objects of other kinds as None. Nothing that the file names is
    imported or called.

    Args:
        path: such as `SMPL_NEUTRAL.pkl`, `MANO_RIGHT.pkl` or `sequenceFiles/test/downtown_arguing_00.pkl` of 3DPW.

    Raises:
        FileNotFoundError: no such file.
        UnreadablePickle: the file asks for anything else, or is damaged; the message says which, and what to do.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    return _load(path.read_bytes(), str(path))


def read_object_array(path: Path, name: str) -> list[Any]:
    """What an array of objects in an npz file holds (DaNet's `dp_annot`), without numpy's `allow_pickle`.

    Args:
        path: npz file.
        name: of the array.

    Returns:
        Numbers, text, arrays and containers of them, in the order of the array.

    Raises:
        ValueError: the file is no npz file, or has no such array of objects.
        UnreadablePickle: see `read_pickle`.
    """
    read: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            kind = read[np.lib.format.read_magic(file)](file)[2]
            content = file.read()
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} is not an npz file with an array {name!r} ({error})") from None
    if not kind.hasobject:
        raise ValueError(f"{path}: {name!r} is not an array of objects")
    values = _load(content, f"{path}: {name!r}")
    if not isinstance(values, list):
        raise ValueError(f"{path}: {name!r} is not an array of objects")
    return values
