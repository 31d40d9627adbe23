"""RootNet's result files: boxes and absolute root positions of a test set, which I2L-MeshNet is tested with.

A file is a JSON list of objects with `image_id`, `bbox` (x, y, width, height of the square crop window, margin
included), `root_cam` (X, Y, Z in the camera frame, in the benchmark's unit), and for some benchmarks `ann_id` or
`score`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from body.atomic import atomic_file
from datamodules.annotations import Annotations
from datamodules.readers.boxes import scale_boxes

METRES = {"human36m": 1e-3, "coco": 1e-3, "mupots": 1e-3, "muco": 1e-3, "pw3d": 1.0, "freihand": 1.0}
"""Metres per unit of `root_cam`, by benchmark."""
MARGIN = 1.25
"""How much larger than the person's box the windows of a result file are."""


@dataclass(frozen=True)
class RootResult:
    """One person of one image.

    Attributes:
        image_id: the benchmark's id of the image.
        box: square crop window (x, y, width, height), full-image pixels.
        root: root joint in the camera frame, metres.
        annotation_id: id of the person, for benchmarks with several in an image (3DPW).
        score: of the detected box (MuPoTS-3D).
    """

    image_id: int
    box: tuple[float, float, float, float]
    root: tuple[float, float, float]
    annotation_id: int | None = None
    score: float | None = None


def root_file_name(benchmark: str) -> str:
    """Name under which I2L-MeshNet looks for a benchmark's file; RootNet's own 3DPW file is called otherwise."""
    _metres(benchmark)
    return f"bbox_root_{benchmark}_output.json"


def read_root_file(path: Path, benchmark: str) -> list[RootResult]:
    """Read a result file.

    Args:
        path: the file.
        benchmark: key of `METRES`, which tells the unit.

    Raises:
        ValueError: no such benchmark, or the file does not have the form above; the message names the entry.
    """
    metres = _metres(benchmark)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(entries, list):
        raise ValueError(f"{path} is not a list of people; is it another kind of file?")
    return [_read_entry(entry, metres, f"{path}, entry {number}") for number, entry in enumerate(entries)]


def with_root_file(table: Annotations, results: Sequence[RootResult]) -> Annotations:
    """People with the boxes and root depths of RootNet, found by the number of the person or of the image.

    Who is not among the results keeps box and depth.

    Args:
        table: with `annotation_ids` where the results have them, else with `image_ids` and one person per image.
        results: of `read_root_file`. Their boxes have a margin of 1.25, which is undone.

    Raises:
        ValueError: the table has no such numbers, or nobody in it is among the results.
    """
    by_person = all(result.annotation_id is not None for result in results)
    numbers = table.annotation_ids if by_person else table.image_ids
    found = {result.annotation_id if by_person else result.image_id: result for result in results}
    known = None if numbers is None else [found.get(int(number)) for number in numbers]
    if known is None or not any(known):
        raise ValueError(
            f"none of the {len(results)} root results is of a person of these {len(table)}; another split?"
        )
    boxes, depths = table.boxes.astype(np.float64), np.full(len(table), np.nan)
    for row, result in enumerate(known):
        if result is not None:
            boxes[row], depths[row] = scale_boxes(np.array([result.box]), 1 / MARGIN)[0], result.root[2]
    return replace(table, boxes=boxes.astype(np.float32), root_depths=depths)


def write_root_file(path: Path, results: Sequence[RootResult], benchmark: str) -> None:
    """Write a result file, atomically.

    Args:
        path: the file; its folder is made.
        results: in any order.
        benchmark: as in `read_root_file`.

    Raises:
        ValueError: no such benchmark, or a number is not finite.
    """
    metres = _metres(benchmark)
    rows = []
    for result in results:
        row: dict[str, Any] = {"image_id": result.image_id, "bbox": list(result.box)}
        row["root_cam"] = [value / metres for value in result.root]
        optional = {"ann_id": result.annotation_id, "score": result.score}
        rows.append(row | {name: value for name, value in optional.items() if value is not None})
    text = json.dumps(rows, allow_nan=False)
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _metres(benchmark: str) -> float:
    if benchmark not in METRES:
        raise ValueError(f"no root files for {benchmark!r}; there are {', '.join(METRES)}")
    return METRES[benchmark]


def _read_entry(entry: Any, metres: float, where: str) -> RootResult:
    try:
        x, y, width, height = (float(value) for value in entry["bbox"])
        right, down, away = (float(value) * metres for value in entry["root_cam"])
        image_id = int(entry["image_id"])
        annotation = None if entry.get("ann_id") is None else int(entry["ann_id"])
        score = None if entry.get("score") is None else float(entry["score"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: needs image_id, bbox of 4 and root_cam of 3 numbers ({error!r})") from None
    if not all(map(math.isfinite, (x, y, width, height, right, down, away))):
        raise ValueError(f"{where}: a number is not finite")
    return RootResult(image_id, (x, y, width, height), (right, down, away), annotation, score)
