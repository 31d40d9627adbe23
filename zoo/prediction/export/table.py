"""Joints as a table of comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from zoo.prediction.export.person import Person

COLUMNS = ("person", "joint", "x", "y", "z", "u", "v")
"""As `Prediction.to_dataframe`'s: x, y, z in metres in the camera frame (y down), u, v in pixels of the image."""


def csv_text(people: Sequence[Person]) -> str:
    """A header, and a row for every joint of every person, to a micrometre and a thousandth of a pixel."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, person in enumerate(people):
        values = np.c_[person.joints, person.joints_2d].tolist()
        for joint, (x, y, z, u, v) in zip(person.skeleton.joints, values, strict=True):
            writer.writerow([number, joint, f"{x:.6f}", f"{y:.6f}", f"{z:.6f}", f"{u:.3f}", f"{v:.3f}"])
    return stream.getvalue()
