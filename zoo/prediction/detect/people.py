"""Boxes of the people in images, by the bundled detector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torchvision.ops import nms  # type: ignore[import-untyped]

from zoo.prediction.detect.movenet import DetectorMaps, MoveNetPeople, decode_boxes, joint_evidence
from zoo.prediction.detect.weights_file import load_detector
from zoo.prediction.inputs import Box

SIDE = 256
"""Longer side of the images that the network was trained with, pixels."""
MIN_SCORE = 0.5
"""Below, what is found is rather no person; see `README.md` here for recall and precision."""
_CANDIDATES, _SAME_PERSON, _MIN_EVIDENCE = 30, 0.7, 0.35


class FoundPerson(NamedTuple):
    """A box (x, y, width, height) in pixels of the image, and the detector's probability."""

    box: Box
    score: float


def find_people(
    images: Sequence[UInt8[np.ndarray, "_ _ 3"]], min_score: float = MIN_SCORE, device: str = "cpu"
) -> list[list[FoundPerson]]:
    """The people of every image, the most certain first.

    People smaller than about a tenth of the image are not found.

    Args:
        images: RGB, of any sizes; they are one batch.
        min_score: between 0 and 1.
        device: where the network runs.

    Raises:
        ZooError: the bundled weights are damaged.
    """
    if not images:
        return []
    batch = torch.from_numpy(np.stack([_letterbox(image) for image in images])).to(device)
    with torch.inference_mode():
        maps = DetectorMaps(*(values.cpu() for values in _network(device)(batch.permute(0, 3, 1, 2).float() / 255)))
        corners, scores = decode_boxes(maps, _CANDIDATES)
    return [
        _people(image.shape[1], image.shape[0], boxes, certain, heatmap, min_score)
        for image, boxes, certain, heatmap in zip(images, corners, scores, maps.kpt_heatmap, strict=True)
    ]


def _people(
    width: int,
    height: int,
    boxes: Float[Tensor, "n 4"],
    scores: Float[Tensor, " n"],
    heatmap: Float[Tensor, "17 rows columns"],
    min_score: float,
) -> list[FoundPerson]:
    """Each person of an image once, in its pixels."""
    scaled = (boxes * (max(height, width) / SIDE)).minimum(torch.tensor([width, height, width, height]))
    people = []
    for number in nms(boxes, scores, _SAME_PERSON).tolist():
        x, y, right, bottom = scaled[number].tolist()
        is_certain = float(scores[number]) >= min_score and right > x and bottom > y
        if is_certain and joint_evidence(heatmap, boxes[number]) >= _MIN_EVIDENCE:
            people.append(FoundPerson((x, y, right - x, bottom - y), float(scores[number])))
    return people


def _letterbox(image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "side side 3"]:
    """The image with a longer side of `SIDE`, in the upper left corner of a black square."""
    height, width = image.shape[:2]
    factor = SIDE / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=how)
    return canvas


@cache
def _network(device: str) -> MoveNetPeople:
    return load_detector().to(device)
