"""Where the people of images are: found by the detector, from a file, or everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from zoo.prediction.detect.boxes_file import BoxesFile
from zoo.prediction.detect.people import FoundPerson, find_people
from zoo.prediction.inputs import Box
from zoo.prediction.sources import VIDEO_ENDINGS

Pictures = Sequence[tuple[Path, UInt8[np.ndarray, "_ _ 3"]]]


class Detector:
    """The bundled detector.

    Args:
        min_score: what is less certain is left out.
        device: where it runs.
    """

    def __init__(self, min_score: float, device: str = "cpu") -> None:
        self.min_score, self.device = min_score, device

    def __call__(self, images: Pictures) -> list[list[FoundPerson] | None]:
        """The people of every image, the most certain first."""
        return [*find_people([pixels for _, pixels in images], self.min_score, self.device)]


class ListedBoxes:
    """Boxes from a file; images that it does not name hold nobody. Frame 12 of a video is `clip.mp4/000012`."""

    def __init__(self, path: Path) -> None:
        self.file = BoxesFile(path)

    def __call__(self, images: Pictures) -> list[list[FoundPerson] | None]:
        """The listed boxes of every image; a video's for its frames, where these are not named."""
        return [_certain(self.file.of(path) or self._of_video(path.parent)) for path, _ in images]

    def _of_video(self, path: Path) -> list[Box]:
        return self.file.of(path) if path.suffix.lower() in VIDEO_ENDINGS else []


def whole_frames(images: Pictures) -> list[list[FoundPerson] | None]:
    """No box: every image is one person's crop."""
    return [None] * len(images)


class GivenBoxes:
    """The same boxes for every image."""

    def __init__(self, boxes: Sequence[Sequence[float | int]]) -> None:
        self.boxes: list[Box] = [(float(x), float(y), float(width), float(height)) for x, y, width, height in boxes]

    def __call__(self, images: Pictures) -> list[list[FoundPerson] | None]:
        """The boxes, as often as there are images."""
        return [_certain(self.boxes)] * len(images)


def _certain(boxes: Sequence[Box]) -> list[FoundPerson]:
    return [FoundPerson(box, 1.0) for box in boxes]
