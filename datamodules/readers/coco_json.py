"""Reads the JSON files of benchmarks, COCO-style ones above all, into numpy columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import DTypeLike


class Entries:
    """A list of JSON objects, read column by column.

    A key with dots looks into nested objects: `cam_param.focal`.

    Args:
        rows: the objects.
        where: file and list, for error messages.

    Raises:
        ValueError: `rows` is no list of objects.
    """

    def __init__(self, rows: Any, where: str) -> None:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"{where} is not a list of objects; is it another kind of file?")
        self.rows, self.where = rows, where

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Int[np.ndarray, " taken"] | Bool[np.ndarray, " rows"]) -> Entries:
        """Some of the objects, by position or by a mask."""
        picked = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Entries([self.rows[int(row)] for row in picked], self.where)

    def has(self, key: str) -> Bool[np.ndarray, " rows"]:
        """Which objects have a value other than null under a key."""
        return np.array([_get(row, key) is not None for row in self.rows], bool)

    def values(self, key: str) -> list[Any]:
        """The values of a key as they are.

        Raises:
            ValueError: an object does not have it; the message names the object.
        """
        found = [_get(row, key) for row in self.rows]
        absent = next((number for number, value in enumerate(found) if value is None), None)
        if absent is not None:
            there = ", ".join(sorted(self.rows[absent])) or "nothing"
            raise ValueError(f"{self._name(absent)} has no {key!r}, only {there}; is it the right file?")
        return found

    def texts(self, key: str) -> list[str]:
        """The values of a key as text.

        Raises:
            ValueError: an object does not have it.
        """
        return [str(value) for value in self.values(key)]

    def paths(self, key: str) -> list[str]:
        """The values of a key as paths with slashes, also where they were written on Windows.

        Raises:
            ValueError: an object does not have it.
        """
        return [text.replace("\\", "/") for text in self.texts(key)]

    def numbers(self, key: str, *shape: int, dtype: DTypeLike = np.float64) -> np.ndarray:
        """The values of a key as one array.

        Args:
            key: see the class.
            shape: of each value, whose nested lists may also be flat; a plain number when omitted.
            dtype: of the array.

        Returns:
            Array (rows, *shape).

        Raises:
            ValueError: an object does not have the key, or its value is of another size; the message names the object.
        """
        found = self.values(key)
        if not found:
            return np.zeros((0, *shape), dtype)
        try:
            if np.issubdtype(dtype, np.integer):
                return np.array([_whole(value) for value in found], dtype).reshape(len(found), *shape)
            return np.array(found, dtype).reshape(len(found), *shape)
        except (ValueError, TypeError, OverflowError):
            wrong = next((number for number, value in enumerate(found) if not _fits(value, shape, dtype)), 0)
            size = " x ".join(map(str, shape)) or "1"
            raise ValueError(f"{self._name(wrong)}: {key!r} is not {size} number(s)") from None

    def _name(self, number: int) -> str:
        identity = self.rows[number].get("id")
        return f"{self.where}, entry {number}" + ("" if identity is None else f" (id {identity})")


class CocoFile(NamedTuple):
    """A COCO-style file."""

    images: Entries
    annotations: Entries
    image_rows: Int[np.ndarray, "annotations"]
    """Position in `images` of every annotation's image."""

    def take(self, rows: Int[np.ndarray, " taken"] | Bool[np.ndarray, "annotations"]) -> CocoFile:
        """Some annotations with all images."""
        return CocoFile(self.images, self.annotations.take(rows), self.image_rows[rows])


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is truncated, or no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not whole JSON ({error}); copy or download it again") from None
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply to be annotations; copy or download it again") from None


def read_coco(path: Path) -> CocoFile:
    """Read a COCO-style annotation file.

    Args:
        path: JSON object with the lists `images` (each with an `id`) and `annotations` (each with an `image_id`).

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is truncated or lacks one of these, or an annotation is of an image that is not listed.
    """
    return parse_coco(read_json(path), path)


def parse_coco(content: Any, path: Path) -> CocoFile:
    """`read_coco` of what a file holds.

    Raises:
        ValueError: see `read_coco`.
    """
    missing = [name for name in ("images", "annotations") if not isinstance(content, dict) or name not in content]
    if missing:
        raise ValueError(f"{path} has no {' and no '.join(missing)}; is it a COCO-style annotation file?")
    images = Entries(content["images"], f"{path}, images")
    annotations = Entries(content["annotations"], f"{path}, annotations")
    rows = rows_of(annotations.numbers("image_id", dtype=np.int64), images.numbers("id", dtype=np.int64), path)
    return CocoFile(images, annotations, rows)


def rows_of(wanted: Int[np.ndarray, " rows"], ids: Int[np.ndarray, " images"], path: Path) -> Int[np.ndarray, " rows"]:
    """Position of every wanted image among the ids of a file.

    Raises:
        ValueError: one of them is not there.
    """
    order = np.argsort(ids, kind="stable")
    found = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)] if len(ids) else wanted * 0
    absent = np.flatnonzero(ids[found] != wanted) if len(ids) else np.arange(len(wanted))
    if len(absent):
        raise ValueError(
            f"{path}: image {wanted[absent[0]]} is annotated but not listed ({len(absent)} such annotations); "
            f"are these files of the same split?"
        )
    return found


def _get(row: Mapping[str, Any], key: str) -> Any:
    value: Any = row
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _whole(value: Any) -> int:
    """A whole number, also where a file has it as text or with a fraction of zero."""
    number = int(value)
    if not isinstance(value, str) and number != value:
        raise ValueError(f"{value} is no whole number")
    return number


def _fits(value: Any, shape: tuple[int, ...], dtype: DTypeLike) -> bool:
    try:
        if np.issubdtype(dtype, np.integer):
            _whole(value)
        return bool(np.array(value, np.float64).size == np.prod(shape, dtype=int))
    except (ValueError, TypeError, OverflowError):
        return False
