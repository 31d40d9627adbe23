"""Whether a benchmark on disk is complete: samples per split, labels, and readability."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from datamodules.annotations import Annotations
from datamodules.files import FileDataModule
from zoo.errors import one_line

READING_ERRORS = (OSError, ValueError, KeyError)
"""Errors of the readers for missing or invalid data."""


@dataclass(frozen=True)
class SplitCheck:
    """Report on one split.

    Attributes:
        split: its name.
        samples: number on disk; None when the labels cannot be read.
        expected: number in the complete split; None where it is unknown.
        labels: description of the labels.
        notes: warnings of the reader, such as samples that it skips.
        problems: errors; empty when the split is complete.
    """

    split: str
    samples: int | None
    expected: int | None
    labels: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def check_split(data: FileDataModule, split: str, read: int) -> SplitCheck:
    """Read the labels of a split, and some of its samples with images.

    Args:
        data: the benchmark.
        split: one of its splits.
        read: number of samples to read, evenly spaced.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        expected = data.expected_samples(split)
        try:
            table = data.table(split)
        except READING_ERRORS as error:
            return SplitCheck(split, None, expected, problems=(one_line(error),))
        problems = _count_problems(data, split, len(table), expected) + _label_problems(table)
        problems += _read_problems(data, split, evenly_spaced(len(table), read))
    notes = dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning))
    return SplitCheck(split, len(table), expected, describe_labels(table), tuple(notes), tuple(problems))


def describe_labels(table: Annotations) -> str:
    """Description of the labels of a table."""
    parts = []
    if table.joints is not None and table.joints_valid is not None:
        spans = _spans(table)
        size = f", {np.median(spans):.2f} m across" if len(spans) else ""
        relative = "" if table.absolute is None or table.absolute.all() else ", relative to the root"
        parts.append(f"3D joints {table.skeleton.name} for {_percentage(table.joints_valid.any(1))}{size}{relative}")
    pixels = table.joints_valid if table.joints_2d is None else table.joints_2d_valid
    if pixels is not None:
        parts.append(f"2D joints for {_percentage(pixels.any(1))}")
    if table.smpl_valid is not None:
        body = "MANO" if cast("np.ndarray", table.pose).shape[1] == 16 else "SMPL"
        parts.append(f"{body} for {_percentage(table.smpl_valid)}")
    if table.depth_order is not None:
        parts.append("relative depth")
    return "; ".join(parts) or "boxes only"


def evenly_spaced(samples: int, count: int) -> list[int]:
    """Indices of at most `count` of `samples` samples, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, samples - 1, min(samples, count)).round().astype(int)).tolist()


def _count_problems(data: FileDataModule, split: str, actual: int, expected: int | None) -> list[str]:
    if expected is not None and actual != expected:
        return [f"{expected - actual:,} samples are missing" if actual < expected else "there are too many samples"]
    if split != "test" or not data.protocol:
        return []
    try:
        data.check_test_split()
    except ValueError as error:
        return [one_line(error)]
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
        return [one_line(error)]
    for row in rows:
        try:
            source[row]
        except READING_ERRORS as error:
            errors.append(one_line(error))
    return [f"{len(errors)} of {len(rows)} samples cannot be read: {errors[0]}"] if errors else []


def _spans(table: Annotations) -> np.ndarray:
    """Largest extent of every person's 3D joints, metres, of at most 2000 people."""
    if table.joints is None or table.joints_valid is None:
        return np.zeros(0)
    rows = np.array(evenly_spaced(len(table), 2000))
    valid = table.joints_valid[rows][..., None]
    low, high = (np.where(valid, table.joints[rows], far) for far in (np.inf, -np.inf))
    labelled = valid[..., 0].sum(1) > 4
    return (high.max(1) - low.min(1)).max(1)[labelled]


def _percentage(mask: ArrayLike) -> str:
    values = np.asarray(mask, np.float64)
    share = values.mean() if len(values) else 0.0
    return "all" if share == 1 else f"{100 * share:.3g} %"
