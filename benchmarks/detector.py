"""The bundled detector on photographs with labelled people: recall, precision and time.

`python -m benchmarks.detector LSP`, the folder of Leeds Sports Pose. A hit is a box that overlaps that of the labelled
joints by an IoU above 0.5. One person of a photograph is labelled, so others count as wrong: precision is a lower
bound. Mosaics are four photographs in a square.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from rich.console import Console
from rich.table import Table

from datamodules.lsp import LspDataModule
from zoo.prediction.detect.people import MIN_SCORE, find_people

Labelled = tuple[UInt8[np.ndarray, "height width 3"], list[tuple[float, float, float, float]]]
"""A picture, and boxes (left, top, right, bottom) of its labelled people."""
_PHOTOS, _MOSAICS, _TILE, _GROWN = 150, 60, 160, 0.1


def photographs(root: Path) -> list[Labelled]:
    """The first test photographs; boxes are a tenth larger than the extent of the joints, to each side."""
    source = LspDataModule(root=str(root)).source("test")
    pictures: list[Labelled] = []
    for index in range(max(_PHOTOS, 4 * _MOSAICS)):
        sample = source[index]
        assert sample.joints_2d is not None
        joints = np.asarray(sample.joints_2d)[np.asarray(sample.joints_2d_valid)]
        low, high = joints.min(0), joints.max(0)
        grown, (height, width) = _GROWN * (high - low), sample.image.shape[:2]
        corners = np.r_[np.maximum(low - grown, 0), np.minimum(high + grown, (width, height))]
        pictures.append((sample.image, [tuple(corners.tolist())]))
    return pictures


def mosaic(four: Sequence[Labelled]) -> Labelled:
    """Four pictures in a square, each as large as its quarter allows."""
    canvas, boxes = np.zeros((2 * _TILE, 2 * _TILE, 3), np.uint8), []
    for number, (image, own) in enumerate(four):
        scale = _TILE / max(image.shape[:2])
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:_TILE, :_TILE]
        y, x = (_TILE * part for part in divmod(number, 2))
        canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
        boxes += [tuple((np.array(box) * scale + (x, y, x, y)).tolist()) for box in own]
    return canvas, boxes


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    a, b = np.array(one), np.array(other)
    sides = (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).clip(min=0)
    areas = [float(np.prod(box[2:] - box[:2])) for box in (a, b)]
    return float(sides.prod() / (sum(areas) - sides.prod()))


def measure(pictures: Sequence[Labelled], min_score: float) -> tuple[float, float, float]:
    """Recall, precision, and the median of milliseconds a picture."""
    hits = found_in_all = people = 0
    spent: list[float] = []
    find_people([pictures[0][0]])
    for image, labels in pictures:
        start = time.perf_counter()
        found = find_people([image], min_score)[0]
        spent.append(1000 * (time.perf_counter() - start))
        left = list(labels)
        for one in found:
            x, y, width, height = one.box
            best = max(left, key=lambda label: overlap(label, (x, y, x + width, y + height)), default=None)
            if best is not None and overlap(best, (x, y, x + width, y + height)) > 0.5:
                hits += 1
                left.remove(best)
        found_in_all, people = found_in_all + len(found), people + len(labels)
    return hits / people, hits / max(found_in_all, 1), float(np.median(spent))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder of Leeds Sports Pose")
    arguments = parser.parse_args()
    photos = photographs(arguments.root)
    sets = {"photographs": photos[:_PHOTOS], "mosaics": [mosaic(photos[4 * k : 4 * k + 4]) for k in range(_MOSAICS)]}
    table = Table(
        f"at a score of {MIN_SCORE}, {torch.get_num_threads()} threads", "recall", "precision", "ms a picture"
    )
    for name, pictures in sets.items():
        recall, precision, milliseconds = measure(pictures, MIN_SCORE)
        table.add_row(f"{len(pictures)} {name}", f"{recall:.2f}", f"{precision:.2f}", f"{milliseconds:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
