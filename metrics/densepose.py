"""DensePose's scores of dense correspondence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor

from metrics.functional.checks import check_finite, check_mask, check_shape
from metrics.functional.ranking import coco_precision, precision_recall
from metrics.functional.segmentation import confusion_matrix, iou
from metrics.functional.surface import gps, surface_areas
from metrics.info import MetricInfo, percent
from metrics.rows import IndexedMetric, as_float64
from metrics.segmentation import PartSegmentation

_CLASSES = 25
"""24 parts and the background."""
_GPS_LEVELS = tuple(0.5 + 0.05 * step for step in range(10))


class DensePosePoints(IndexedMetric):
    """Point-wise AUC and GPS of predicted surface points.

    Convention:
        Unit: geodesic distances in metres in (`functional.geodesic_errors`), percent out. `auc10` and `auc30`: area
        under the curve of correct points up to 10 and 30 cm, divided by its length, exact; points of all people are
        pooled. `gps_ap`: mean over GPS thresholds 0.5, 0.55, ..., 0.95 of COCO's average precision; not strict
        (GPS >= threshold). Each prediction is compared with the person it was made for, as on crops of single people,
        never with another one in the image. Points off the predicted person (infinite) are misses. A person (by its
        index) counts once; one without annotated points is left out.

    Args:
        per_part: GPS with the challenge's kappa per part instead of the paper's one value.
    """

    reports: ClassVar[Mapping[str, MetricInfo]] = {
        "auc10": percent("AUC10"),
        "auc30": percent("AUC30"),
        "gps_ap": percent("GPS AP"),
    }

    def __init__(self, per_part: bool = False) -> None:
        super().__init__(columns=5)
        self.per_part = per_part

    def update(
        self,
        errors: Float[Tensor, "people points"],
        valid: Bool[Tensor, "people points"],
        index: Int[Tensor, " people"],
        scores: Float[Tensor, " people"] | None = None,
        parts: Integer[Tensor, "people points"] | None = None,
    ) -> None:
        """Add people.

        Args:
            errors: geodesic distance of each annotated point, metres; infinite off the predicted person.
            valid: points that are annotated.
            index: position of each person in the split.
            scores: confidence of each prediction, for `gps_ap`; all the same when omitted.
            parts: part of each annotated point, 1 to 24; needed with `per_part`.

        Raises:
            ValueError: shapes differ, a distance is NaN or negative, or parts are missing or out of range.
        """
        if self.per_part and parts is None:
            raise ValueError("per_part needs the part of every annotated point: give parts")
        check_mask(valid, errors.shape)
        distance = as_float64(errors)
        valid = valid.to(distance.device)
        _check_distances(distance, valid)
        areas = surface_areas(distance).where(valid[..., None], 0.0).sum(1)
        similarity = gps(distance, valid, parts if self.per_part else None)
        confidence = torch.ones_like(similarity) if scores is None else as_float64(scores)
        check_shape(confidence, (len(errors),), "scores")
        check_finite(confidence[:, None], None, "scores", index)
        rest = torch.stack([valid.sum(1).double(), similarity.nan_to_num(0.0), confidence], -1)
        self.add(index, torch.cat([areas, rest], -1))

    def compute(self) -> dict[str, float]:
        """`auc10`, `auc30`, `gps_ap` and `n` (people with annotated points)."""
        _, rows = self.samples()
        rows = rows[rows[:, 2] > 0]
        if len(rows) == 0:
            return {"n": 0.0}
        near, far, points = rows[:, :3].sum(0).tolist()
        levels = [
            coco_precision(*precision_recall(rows[:, 4], rows[:, 3] >= level, len(rows))) for level in _GPS_LEVELS
        ]
        return {
            "auc10": 100 * near / points,
            "auc30": 100 * far / points,
            "gps_ap": 100 * torch.stack(levels).mean().item(),
            "n": float(len(rows)),
        }


class SurfaceMaps(IndexedMetric):
    """Scores of IUV maps: `DensePosePoints` at every cell that shows the person, mean IoU of the parts at all cells.

    Convention:
        As `DensePosePoints` and `PartSegmentation` of 25 classes (the background is 0); cells of all people are
        pooled. Cells that the prediction calls background while they show the person are misses.
    """

    reports: ClassVar[Mapping[str, MetricInfo]] = {
        "auc10": DensePosePoints.reports["auc10"],
        "auc30": DensePosePoints.reports["auc30"],
        "miou": PartSegmentation.reports["miou"],
    }

    def __init__(self) -> None:
        super().__init__(columns=3 + _CLASSES**2)

    def update(
        self,
        errors: Float[Tensor, "people height width"],
        parts: Integer[Tensor, "people height width"],
        true_parts: Integer[Tensor, "people height width"],
        index: Int[Tensor, " people"],
    ) -> None:
        """Add people.

        Args:
            errors: geodesic distance of what each cell is said to show from what it shows, metres; read where it shows
                the person.
            parts: predicted part of each cell.
            true_parts: what it shows.
            index: position of each person in the split.
        """
        distance = as_float64(errors)
        check_shape(true_parts, tuple(errors.shape), "true_parts")
        shown = (true_parts > 0).to(distance.device)
        _check_distances(distance, shown)
        areas = surface_areas(distance).where(shown[..., None], 0.0).sum((1, 2))
        confusion = confusion_matrix(parts, true_parts, _CLASSES).flatten(1).to(distance.device)
        self.add(index, torch.cat([areas, shown.sum((1, 2)).double()[:, None], confusion], -1))

    def compute(self) -> dict[str, float]:
        """`auc10`, `auc30`, `miou` and `n` (people); no GPS, which would need distances beyond 30 cm."""
        index, rows = self.samples()
        n = {"n": float(len(index))}
        if len(index) == 0:
            return n
        near, far, points = rows[:, :3].sum(0).tolist()
        areas = {"auc10": 100 * near / points, "auc30": 100 * far / points} if points else {}
        confusion = rows[:, 3:].sum(0).reshape(_CLASSES, _CLASSES)
        return areas | {"miou": 100 * iou(confusion).nanmean().item()} | n


def _check_distances(errors: Tensor, valid: Tensor) -> None:
    """Refuse distances that are none; infinity means that a point is off the predicted person.

    Raises:
        ValueError: one that counts is NaN or negative.
    """
    if not (errors >= 0)[valid].all():
        raise ValueError("geodesic distances of annotated points must be numbers from 0 on, or infinite for a miss")
