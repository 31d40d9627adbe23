"""Whether a benchmark on disk is whole: its splits, what they are labelled with, and whether they can be read."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from datamodules.annotations import Annotations
from datamodules.files import FileDataModule

READING_ERRORS = (OSError, ValueError, KeyError)
"""What readers raise for data that are not there or not right."""


@dataclass(frozen=True)
class SplitCheck:
    """What was found of one split.

    Attributes:
        split: its name.
        samples: how many there are; None when the labels cannot be read.
        expected: how many the whole split has; None where nobody says.
        labels: what the samples are labelled with, in words.
        notes: what the reader left out, and the like.
        problems: what is wanting; empty when all is well.
    """

    split: str
    samples: int | None
    expected: int | None
    labels: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def check_split(data: FileDataModule, split: str, read: int) -> SplitCheck:
    """Read the labels of a split, and some of its samples whole.

    Args:
        data: the benchmark.
        split: one of its splits.
        read: samples to read, evenly spread.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        expected = data.expected_samples(split)
        try:
            table = data.table(split)
        except READING_ERRORS as error:
            return SplitCheck(split, None, expected, problems=(_line(error),))
        problems = _count_problems(data, split, len(table), expected) + _label_problems(table)
        problems += _read_problems(data, split, spread(len(table), read))
    notes = dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning))
    return SplitCheck(split, len(table), expected, describe_labels(table), tuple(notes), tuple(problems))


def describe_labels(table: Annotations) -> str:
    """What the rows of a table are labelled with."""
    words = []
    if table.joints is not None and table.joints_valid is not None:
        spans = _spans(table)
        size = f", {np.median(spans):.2f} m across" if len(spans) else ""
        made_up = "" if table.absolute is None or table.absolute.all() else ", relative to the root"
        words.append(f"3D joints {table.skeleton.name} for {_share(table.joints_valid.any(1))}{size}{made_up}")
    pixels = table.joints_valid if table.joints_2d is None else table.joints_2d_valid
    if pixels is not None:
        words.append(f"2D joints for {_share(pixels.any(1))}")
    if table.smpl_valid is not None:
        body = "MANO" if cast("np.ndarray", table.pose).shape[1] == 16 else "SMPL"
        words.append(f"{body} for {_share(table.smpl_valid)}")
    if table.depth_order is not None:
        words.append("relative depth")
    return "; ".join(words) or "boxes only"


def spread(samples: int, wanted: int) -> list[int]:
    """Positions of some samples, evenly spread from the first to the last."""
    return np.unique(np.linspace(0, samples - 1, min(samples, wanted)).round().astype(int)).tolist()


def _count_problems(data: FileDataModule, split: str, found: int, expected: int | None) -> list[str]:
    if expected is not None and found != expected:
        return [f"{expected - found:,} samples are missing" if found < expected else "there are too many samples"]
    if split != "test" or not data.protocol:
        return []
    try:
        data.check_test_split()
    except ValueError as error:
        return [_line(error)]
    return []


def _label_problems(table: Annotations) -> list[str]:
    problems = []
    boxes = np.asarray(table.boxes)
    empty = ~(np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1))
    if empty.any():
        first = table.images[int(np.flatnonzero(empty)[0])]
        problems.append(f"{empty.sum():,} boxes are empty, the first one in {first}")
    spans = _spans(table)
    if len(spans) and not 0.05 < np.median(spans) < 4:
        problems.append(f"people are {np.median(spans):.3g} m across; are the labels in another unit?")
    return problems


def _read_problems(data: FileDataModule, split: str, rows: list[int]) -> list[str]:
    errors = []
    try:
        source = data.source(split)
    except READING_ERRORS as error:
        return [_line(error)]
    for row in rows:
        try:
            source[row]
        except READING_ERRORS as error:
            errors.append(_line(error))
    return [f"{len(errors)} of {len(rows)} samples cannot be read: {errors[0]}"] if errors else []


def _spans(table: Annotations) -> np.ndarray:
    """Largest extent of every person's 3D joints, metres; of some thousand people at most."""
    if table.joints is None or table.joints_valid is None:
        return np.zeros(0)
    rows = np.array(spread(len(table), 2000))
    valid = table.joints_valid[rows][..., None]
    low, high = (np.where(valid, table.joints[rows], far) for far in (np.inf, -np.inf))
    enough = valid[..., 0].sum(1) > 4
    return (high.max(1) - low.min(1)).max(1)[enough]


def _share(mask: ArrayLike) -> str:
    values = np.asarray(mask, np.float64)
    share = values.mean() if len(values) else 0.0
    return "all" if share == 1 else f"{100 * share:.3g} %"


def _line(error: Exception) -> str:
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return " ".join(str(text).split())
