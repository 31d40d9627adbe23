"""Keypoints as COCO's results format has them, for `pycocotools.coco.COCO.loadRes`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from body.skeleton import COCO17
from zoo.errors import ZooError
from zoo.prediction.export.person import Person, SourceImage


def coco_text(people: Sequence[Person], source: SourceImage, model: str) -> str:
    """A list with one result per person: 17 joints (x, y, v) in pixels, the box, and the box's score.

    Joints are found by their names; one that the method does not have is (0, 0, 0), all others have v = 1, which says
    nothing about occlusion. `image_id` is the number that the file is named with, as in COCO, else the file's name.

    Args:
        people: of one image.
        source: the image.
        model: name of the weights, for the message.

    Raises:
        ZooError: the method has none of the 17 joints.
    """
    stem = PurePath(source.name).stem
    image_id = int(stem) if stem.isascii() and stem.isdecimal() else source.name
    results = [
        {
            "image_id": image_id,
            "file_name": source.name,
            "category_id": 1,
            "keypoints": _keypoints(person, model),
            "bbox": list(person.box),
            "score": person.score,
        }
        for person in people
    ]
    return json.dumps(results, allow_nan=False) + "\n"


def _keypoints(person: Person, model: str) -> list[Any]:
    positions = np.array(person.skeleton.positions_of(COCO17))
    present = positions >= 0
    if not present.any():
        raise ZooError(f"{model} predicts none of COCO's 17 joints; leave coco out of --formats")
    pixels = person.joints_2d[positions.clip(0)].astype(float).round(3)
    rows = np.where(present[:, None], np.c_[pixels, np.ones(len(COCO17))], 0.0).tolist()
    return [value for x, y, v in rows for value in (x, y, int(v))]
