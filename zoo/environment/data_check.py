"""Whether a benchmark on disk is complete: samples per split, labels, and readability."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from datamodules.annotations import Annotations
from datamodules.files import FileDataModule
from datamodules.sample import GENDERS, RawSample
from zoo.errors import one_line

MOST_OUTSIDE = 0.25
"""Share of a split's 2D joints that may lie outside their images: people are cut off, resolutions are mistaken."""
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
        outside, reading = _read_samples(data, split, evenly_spaced(len(table), read))
        problems += reading
    notes = dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning))
    labels = "; ".join([describe_labels(table), *outside])
    return SplitCheck(split, len(table), expected, labels, tuple(notes), tuple(problems))


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
        parts.append(f"{body} for {_percentage(table.smpl_valid)}{_genders(table)}")
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


def _genders(table: Annotations) -> str:
    """Genders of the fitted bodies, where there are any."""
    if table.gender is None or table.smpl_valid is None or not table.smpl_valid.any():
        return ""
    fitted = table.gender[table.smpl_valid]
    shares = [f"{name} {_percentage(fitted == code)}" for code, name in enumerate(GENDERS) if (fitted == code).any()]
    return f" ({', '.join(shares)})"


def _read_samples(data: FileDataModule, split: str, rows: list[int]) -> tuple[list[str], list[str]]:
    """What the samples with their images show, and problems: images that cannot be read, joints that lie elsewhere."""
    errors, outside, labelled = [], 0, 0
    try:
        source = data.source(split)
    except READING_ERRORS as error:
        return [], [one_line(error)]
    for row in rows:
        try:
            sample = source[row]
        except READING_ERRORS as error:
            errors.append(one_line(error))
            continue
        pixels, valid = _labelled_pixels(sample)
        size = np.array(sample.image.shape[1::-1])
        beyond = ((pixels < -0.5) | (pixels > size - 0.5)).any(-1) & valid
        outside, labelled = outside + int(beyond.sum()), labelled + int(valid.sum())
    problems = [f"{len(errors)} of {len(rows)} samples cannot be read: {errors[0]}"] if errors else []
    if not labelled:
        return [], problems
    share = outside / labelled
    if share > MOST_OUTSIDE:
        problems.append(f"{share:.0%} of the 2D joints lie outside their images; are the labels of another resolution?")
    return [f"{100 * share:.3g} % of the 2D joints outside their images"], problems


def _labelled_pixels(sample: RawSample) -> tuple[np.ndarray, np.ndarray]:
    """2D joints of a sample, pixels, and which are labelled; those in 3D are projected."""
    if sample.joints_2d is not None and sample.joints_2d_valid is not None:
        return sample.joints_2d, sample.joints_2d_valid
    points = sample.joints @ sample.intrinsics.T
    valid = sample.joints_valid & (points[:, 2] > 0)
    return points[:, :2] / np.where(valid, points[:, 2], 1.0)[:, None], valid


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
