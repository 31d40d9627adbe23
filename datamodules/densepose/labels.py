"""DensePose's labels of a whole split as columns: surface points and coarse masks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from body.extras import import_extra
from datamodules.columns import StringColumn, digest
from datamodules.dense import mask_in_image, points_in_image

_COARSE_PARTS, _SIDE = 14, 256


@dataclass(frozen=True)
class DenseLabels:
    """Labels of many people.

    Attributes:
        points: x, y (pixels of the image), part, U, V of all people's points, one person after the other.
        ends: where each person's points end.
        masks: 14 run-length encoded coarse parts per person, empty where a part is not seen.
        boxes: (x, y, width, height) of the people, which the masks fill.
    """

    points: Float[np.ndarray, "points 5"]
    ends: Int[np.ndarray, " rows"]
    masks: StringColumn
    boxes: Float[np.ndarray, "rows 4"]

    @classmethod
    def of(cls, people: Sequence[Mapping[str, Any]], boxes: Float[np.ndarray, "rows 4"], where: str) -> DenseLabels:
        """Take the annotations as DensePose writes them: `dp_x`, `dp_y`, `dp_I`, `dp_U`, `dp_V` and `dp_masks`.

        Raises:
            ValueError: one of them is missing or of another length, or a part is not in 1..24; the message has the
                position of the person.
        """
        columns, masks = [], []
        for number, person in enumerate(people):
            try:
                columns.append(np.array([person[f"dp_{key}"] for key in "xyIUV"], np.float64).T.reshape(-1, 5))
                masks += _encoded(person["dp_masks"])
            except (KeyError, ValueError, TypeError) as error:
                raise ValueError(f"{where}: the DensePose labels of person {number} are damaged ({error!r})") from None
        counts = np.array([len(column) for column in columns], np.int64)
        points = np.concatenate([np.zeros((0, 5)), *columns])
        points[:, :2] = points_in_image(points[:, :2], np.repeat(boxes, counts, 0))
        if len(points) and not ((points[:, 2] >= 1) & (points[:, 2] <= 24)).all():
            raise ValueError(f"{where}: DensePose's parts are 1 to 24, found {np.unique(points[:, 2])}")
        return cls(points.astype(np.float32), np.cumsum(counts), StringColumn.of(masks), boxes.astype(np.float32))

    @staticmethod
    def join(parts: Sequence[DenseLabels]) -> DenseLabels:
        """The people of several parts, one after the other."""
        starts = np.cumsum([0, *(len(part.points) for part in parts)])
        return DenseLabels(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.ends + start for part, start in zip(parts, starts, strict=False)]),
            StringColumn.of([part.masks[row] for part in parts for row in range(len(part.masks))]),
            np.concatenate([part.boxes for part in parts]),
        )

    def points_of(self, row: int) -> Float[np.ndarray, "points 5"]:
        """One person's points."""
        return self.points[self.ends[row - 1] if row else 0 : self.ends[row]]

    def mask_of(self, row: int) -> UInt8[np.ndarray, "256 256"]:
        """Coarse part of every pixel of a person's box, scaled to 256 x 256; where parts overlap, the later one."""
        decode = import_extra("pycocotools.mask", "data").decode

        mask = np.zeros((_SIDE, _SIDE), np.uint8)
        for part in range(_COARSE_PARTS):
            counts = self.masks[row * _COARSE_PARTS + part]
            if counts:
                mask[decode({"counts": counts.encode(), "size": [_SIDE, _SIDE]}) > 0] = part + 1
        return mask

    def fields(self, row: int, size: tuple[int, int]) -> dict[str, Any]:
        """What a `RawSample` has of a person whose image is (width, height)."""
        mask = mask_in_image(self.mask_of(row), self.boxes[row].astype(np.float64), size)
        return {"dense_points": self.points_of(row), "dense_mask": mask}

    def fingerprint(self) -> str:
        """Hash of all labels."""
        columns = (self.points, self.ends, self.masks, self.boxes)
        return hashlib.sha256(b"".join(digest(column) for column in columns)).hexdigest()


def _encoded(masks: Sequence[Any]) -> list[str]:
    """Run lengths of each part as text."""
    if len(masks) != _COARSE_PARTS:
        raise ValueError(f"{len(masks)} masks instead of {_COARSE_PARTS}")
    if any(mask and list(mask["size"]) != [_SIDE, _SIDE] for mask in masks):
        raise ValueError(f"masks are {_SIDE} x {_SIDE}")
    counts = [mask["counts"] if mask else "" for mask in masks]
    return [text.decode("ascii") if isinstance(text, bytes) else text for text in counts]
