"""Text and index columns of large tables that worker processes share without copying."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt8


@dataclass(frozen=True)
class StringColumn:
    """Many strings in one block of bytes.

    A list of a million strings is a million objects, and a forked worker copies every page that it counts a reference
    on; two arrays stay shared.

    Attributes:
        data: UTF-8 of all strings, one after the other.
        ends: where each of them ends.
    """

    data: UInt8[np.ndarray, "bytes"]
    ends: Int[np.ndarray, " rows"]

    @classmethod
    def of(cls, texts: Sequence[str]) -> StringColumn:
        """Pack strings."""
        encoded = [text.encode() for text in texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends.reshape(-1))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        start = self.ends[index - 1] if index else 0
        return self.data[start : self.ends[index]].tobytes().decode()

    def map(self, change: Callable[[str], str]) -> StringColumn:
        """Every string changed by a function."""
        return StringColumn.of([change(self[row]) for row in range(len(self))])

    def take(self, rows: Int[np.ndarray, " taken"]) -> StringColumn:
        """The strings of some rows."""
        return StringColumn.of([self[int(row)] for row in rows])


@dataclass(frozen=True)
class CategoricalColumn:
    """A column with few different strings.

    Attributes:
        codes: position in `names` of every row.
        names: the different strings.
    """

    codes: Int[np.ndarray, " rows"]
    names: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> CategoricalColumn:
        """Pack strings."""
        names, codes = np.unique(np.asarray(texts, dtype=str), return_inverse=True)
        return cls(codes.astype(np.int32).reshape(-1), tuple(names.tolist()))

    @classmethod
    def constant(cls, text: str, rows: int) -> CategoricalColumn:
        """The same string in every row."""
        return cls(np.zeros(rows, np.int32), (text,))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: int) -> str:
        return self.names[self.codes[index]]

    def take(self, rows: Int[np.ndarray, " taken"]) -> CategoricalColumn:
        """The strings of some rows."""
        return CategoricalColumn(self.codes[rows], self.names)


Column = np.ndarray | StringColumn | CategoricalColumn


def take(column: Column, rows: Int[np.ndarray, " taken"]) -> Column:
    """Some rows of a column."""
    return column[rows] if isinstance(column, np.ndarray) else column.take(rows)


def concatenate(columns: Sequence[Column]) -> Column:
    """Columns of one kind, one after the other.

    Raises:
        TypeError: they are of different kinds.
    """
    first = columns[0]
    if isinstance(first, np.ndarray):
        return np.concatenate([column for column in columns if isinstance(column, np.ndarray)])
    if isinstance(first, StringColumn):
        texts = [column for column in columns if isinstance(column, StringColumn)]
        starts = np.cumsum([0, *(len(column.data) for column in texts)])[:-1]
        ends = [column.ends + start for column, start in zip(texts, starts, strict=True)]
        return StringColumn(np.concatenate([column.data for column in texts]), np.concatenate(ends))
    labels = [column for column in columns if isinstance(column, CategoricalColumn)]
    names = sorted({name for column in labels for name in column.names})
    tables = [np.array([names.index(name) for name in column.names], np.int32) for column in labels]
    codes = [table[column.codes] for table, column in zip(tables, labels, strict=True)]
    return CategoricalColumn(np.concatenate(codes), tuple(names))


def digest(column: Column) -> bytes:
    """Hash of a column's values, floats rounded to 1e-5 so that the way they were computed does not matter."""
    if isinstance(column, StringColumn):
        return hashlib.sha256(column.data.tobytes() + column.ends.tobytes()).digest()
    if isinstance(column, CategoricalColumn):
        names, used = list(column.names), np.unique(column.codes)
        order = np.searchsorted(used, column.codes)
        return hashlib.sha256(str([names[code] for code in used]).encode() + order.astype("<i4").tobytes()).digest()
    if column.dtype.kind == "f":
        column = np.rint(column.astype(np.float64) * 1e5).astype("<i8")
    return hashlib.sha256(str(column.shape).encode() + np.ascontiguousarray(column).tobytes()).digest()
