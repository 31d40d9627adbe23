"""Keypoints in a file of COCO's form; see `datamodules.folder`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.folder.labels import Labels
from datamodules.readers.coco_json import Entries, parse_coco, read_json


def read_coco_labels(path: Path, joints: Sequence[str] | None = None) -> Labels:
    """The people of a file who have a labelled joint and are no crowd.

    Args:
        path: of the file.
        joints: names of the joints, for a file that does not say them itself.

    Raises:
        ValueError: it is no such file, or does not name its joints; the message names what is wrong.
    """
    content = read_json(path)
    file = parse_coco(content, path)
    names = tuple(joints) if joints else _named_joints(content, path)
    people = file.annotations
    keypoints = people.numbers("keypoints", len(names), 3)
    valid = keypoints[..., 2] > 0
    boxed, crowd = people.has("bbox"), people.has("iscrowd")
    boxes, crowds = np.zeros((len(people), 4)), np.zeros(len(people), bool)
    boxes[boxed] = people.take(boxed).numbers("bbox", 4)
    crowds[crowd] = people.take(crowd).numbers("iscrowd") > 0
    images = file.images.paths("file_name")
    labels = Labels(
        [images[row] for row in file.image_rows],
        names,
        np.where(valid[..., None], keypoints[..., :2], 0.0),
        valid,
        boxes,
    )
    return labels.take(np.flatnonzero(valid.any(1) & ~crowds))


def _named_joints(content: dict[str, Any], path: Path) -> tuple[str, ...]:
    """What the category of people calls its keypoints."""
    categories = Entries(content.get("categories", []), f"{path}, categories")
    named = [row for row in categories.rows if row.get("keypoints")]
    people = [row for row in named if row.get("name") == "person"] or named
    if len(people) != 1:
        raise ValueError(
            f"{path} has {len(people)} categories with `keypoints`, the names of the joints, not one; name their joint "
            f"set in `skeleton`, such as coco17"
        )
    names = people[0]["keypoints"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path}: `keypoints` of its category must be a list of names, such as left_hip")
    return tuple(names)
