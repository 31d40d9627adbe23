"""Boxes of people from a file: COCO's JSON, or a CSV table with a header."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from zoo.errors import ZooError, one_line
from zoo.prediction.inputs import Box

COLUMNS = ("file", "x", "y", "width", "height")
"""Columns of the CSV table; others are ignored."""


class BoxesFile:
    """Boxes by image.

    Args:
        path: `.json` in COCO's layout (crowds and other categories than `person` are left out), else CSV with the
            columns `file`, `x`, `y`, `width`, `height`.

    Raises:
        ZooError: no such file, or none of these layouts.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ZooError(f"{path}: no such file of boxes")
        try:
            text = path.read_text(encoding="utf-8-sig")
            rows = list(_coco(json.loads(text)) if path.suffix.lower() == ".json" else _table(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as error:
            raise ZooError(
                f"{path} is neither COCO's JSON (images, annotations) nor a CSV table with the columns "
                f"{','.join(COLUMNS)} ({one_line(error, 100)})"
            ) from None
        self._boxes: dict[str, list[Box]] = defaultdict(list)
        for file, box in rows:
            if not all(math.isfinite(value) for value in box) or min(box[2:]) <= 0:
                raise ZooError(f"{path}: the box of {file} is empty or not finite: {box}")
            self._boxes[PurePath(file.replace("\\", "/")).as_posix()].append(box)

    def of(self, image: Path) -> list[Box]:
        """Boxes of an image, found by the longest end of its path that the file names; empty when it names none."""
        parts = image.as_posix().split("/")
        ends = ("/".join(parts[start:]) for start in range(len(parts)))
        return next((self._boxes[end] for end in ends if end in self._boxes), [])


def _coco(data: Mapping[str, Any]) -> Iterable[tuple[str, Box]]:
    names = {str(image["id"]): str(image["file_name"]) for image in data["images"]}
    people = {str(one["id"]) for one in data.get("categories", []) if one["name"] == "person"}
    for one in data["annotations"]:
        if not one.get("iscrowd") and (not people or str(one.get("category_id")) in people):
            x, y, width, height = (float(value) for value in one["bbox"])
            yield names[str(one["image_id"])], (x, y, width, height)


def _table(text: str) -> Iterable[tuple[str, Box]]:
    reader = csv.DictReader(text.splitlines())
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise ValueError(f"its header is {','.join(reader.fieldnames or ())}")
    for row in reader:
        yield row["file"], (float(row["x"]), float(row["y"]), float(row["width"]), float(row["height"]))
