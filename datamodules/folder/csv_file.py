"""Keypoints as a table of comma-separated values; see `datamodules.folder`."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datamodules.folder.labels import Labels

BOX = ("box_x", "box_y", "box_width", "box_height")
_EXAMPLE = "file, box_x, box_y, box_width, box_height, left_hip_x, left_hip_y, left_hip_v, ..."


def read_csv(path: Path) -> Labels:
    """The people of a table.

    Raises:
        ValueError: it is no such table, or a cell is no number; the message names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = [(number, row) for number, row in _numbered(csv.reader(stream)) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no text with commas ({error}); save it as CSV in UTF-8") from None
    if not rows:
        raise ValueError(f"{path} is empty; its first line must be {_EXAMPLE}")
    header = [name.strip() for name in rows[0][1]]
    joints = _joints_of(header, path)
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise ValueError(f"{path}, line {number}: {len(row)} cells for {len(header)} columns; mend the line")
        if not row[header.index("file")].strip():
            raise ValueError(f"{path}, line {number}: no file; name the image")
    columns = {
        name: _numbers([(number, row[place]) for number, row in rows[1:]], name, path)
        for place, name in enumerate(header)
        if name != "file"
    }
    pixels = np.stack([np.stack([columns[f"{joint}_{axis}"] for axis in "xy"], -1) for joint in joints], 1)
    valid = np.isfinite(pixels).all(-1)
    for place, joint in enumerate(joints):
        if f"{joint}_v" in columns:
            valid[:, place] &= columns[f"{joint}_v"] > 0
    boxes = np.stack([columns[name] for name in BOX], 1) if BOX[0] in columns else np.zeros((len(pixels), 4))
    boxes = np.where(np.isfinite(boxes).all(1, keepdims=True), boxes, 0.0)
    images = [row[header.index("file")].strip().replace("\\", "/") for _, row in rows[1:]]
    return Labels(images, joints, np.where(valid[..., None], pixels, 0.0), valid, boxes)


def _numbered(reader: object) -> list[tuple[int, list[str]]]:
    return [(reader.line_num, row) for row in reader]  # type: ignore[attr-defined]


def _joints_of(header: Sequence[str], path: Path) -> tuple[str, ...]:
    """The joints that columns are about, in their order."""
    if "file" not in header:
        hint = "separate cells by commas" if len(header) == 1 else "name the column with the images `file`"
        raise ValueError(f"{path}: no column `file` in its first line; {hint}, as in {_EXAMPLE}")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{path}: two columns are called {twice!r}; remove one")
    boxes = [name for name in BOX if name in header]
    if boxes and len(boxes) < len(BOX):
        raise ValueError(f"{path}: a box needs {', '.join(BOX)}; there are only {', '.join(boxes)}")
    joints = tuple(name.removesuffix("_x") for name in header if name.endswith("_x") and name not in BOX)
    expected = {"file", *BOX, *(f"{joint}_{axis}" for joint in joints for axis in "xyv")}
    lacking = [f"{joint}_y" for joint in joints if f"{joint}_y" not in header]
    if lacking:
        raise ValueError(f"{path} has no column {lacking[0]} beside {lacking[0][:-1]}x; add it")
    strange = next((name for name in header if name not in expected), None)
    if strange is not None or not joints:
        what = f"column {strange!r} is no joint's x, y or v" if strange is not None else "there are no joints"
        raise ValueError(f"{path}: {what}; columns are {_EXAMPLE}")
    return joints


def _numbers(cells: Sequence[tuple[int, str]], column: str, path: Path) -> np.ndarray:
    """A column as numbers; NaN where a cell is empty."""
    values = []
    for line, cell in cells:
        try:
            values.append(float(cell) if cell.strip() else math.nan)
        except ValueError:
            raise ValueError(
                f"{path}, line {line}: {column} is {cell[:40]!r}, no number; write it like 12.5 or leave it empty"
            ) from None
    filled = np.array(values, np.float64)
    return np.where(np.isnan(filled), 1.0, filled) if column.endswith("_v") else filled
