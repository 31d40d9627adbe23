"""Scores of part and foreground segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Bool, Float64, Integer
from torch import Tensor

from metrics.functional.checks import check_mask
from metrics.functional.segmentation import IGNORE, accuracy, confusion_matrix, f1, ignored_as_background, iou
from metrics.info import MetricInfo, fraction, percent
from metrics.rows import IndexedMetric


class PartSegmentation(IndexedMetric):
    """Accuracy, F1 and mean IoU of body parts, accuracy and F1 of the foreground (UPi-S1h's rules).

    Convention:
        Unit: labels in; `miou`, `part_accuracy` and `fb_accuracy` in percent, `part_f1` and `fb_f1` in [0, 1]. Pixels
        of all samples are pooled, each sample (by its index) counted once. Label 255 in the target: left out of IoU
        and F1; for the part accuracy it means background, as in the LSP evaluation of SPIN and DaNet. Class set: all
        `classes`; class 0 (the background) is left out of the mean IoU with `background=False`, never of F1. A class
        that occurs nowhere is left out of the means.
    """

    reports: ClassVar[Mapping[str, MetricInfo]] = {
        "miou": percent("mIoU"),
        "part_accuracy": percent("part accuracy", decimals=2),
        "part_f1": fraction("part F1"),
        "fb_accuracy": percent("FB accuracy", decimals=2),
        "fb_f1": fraction("FB F1"),
    }

    def __init__(self, classes: int = 7, background: bool = True) -> None:
        super().__init__(columns=classes * classes + 2 + 4)
        self.classes, self.background = classes, background

    def update(
        self,
        prediction: Integer[Tensor, "batch height width"],
        target: Integer[Tensor, "batch height width"],
        index: Integer[Tensor, " batch"],
        foreground: Bool[Tensor, "batch height width"] | None = None,
        true_foreground: Bool[Tensor, "batch height width"] | None = None,
    ) -> None:
        """Add a batch; images of other sizes come in batches of their own.

        Args:
            prediction: labels in [0, classes).
            target: labels in [0, classes), or 255 for pixels that do not count.
            index: position of each sample in the split.
            foreground: predicted silhouette; where the predicted label is not 0 when omitted.
            true_foreground: true silhouette; where the true label is not 0 when omitted, 255 then not counting.

        Raises:
            ValueError: the shapes differ, or a label is outside the range.
        """
        if prediction.ndim != 3:
            raise ValueError(f"labels {tuple(prediction.shape)} must be (batch, height, width)")
        for name, mask in (("foreground", foreground), ("true_foreground", true_foreground)):
            if mask is not None:
                check_mask(mask, target.shape, name)
        parts = confusion_matrix(prediction, target, self.classes)
        if foreground is None:
            foreground = prediction > 0
        if true_foreground is None:
            outline = (target > 0).long().masked_fill(target == IGNORE, IGNORE)
        else:
            outline = true_foreground.long()
        silhouettes = confusion_matrix(foreground.long(), outline, 2)
        rows = [parts.flatten(1), ignored_as_background(prediction, target), silhouettes.flatten(1)]
        self.add(index, torch.cat(rows, -1))

    def compute(self) -> dict[str, float]:
        """`miou`, `part_accuracy`, `part_f1`, `fb_accuracy`, `fb_f1` and `n` (images)."""
        index, rows = self.samples()
        if len(index) == 0:
            return {"n": 0.0}
        parts, ignored, silhouettes = self._pooled(rows)
        right = parts.diagonal().sum() + ignored[0]
        values = {
            "miou": 100 * iou(parts)[0 if self.background else 1 :].nanmean(),
            "part_accuracy": 100 * right / (parts.sum() + ignored.sum()),
            "part_f1": f1(parts).nanmean(),
            "fb_accuracy": accuracy(silhouettes),
            "fb_f1": f1(silhouettes).nanmean(),
        }
        return {**{name: value.item() for name, value in values.items()}, "n": float(len(index))}

    def per_class(self) -> Float64[Tensor, " classes"]:
        """IoU of every class in percent, of what this process has seen."""
        return 100 * iou(self._pooled(self.samples()[1])[0])

    def _pooled(self, rows: Float64[Tensor, "samples columns"]) -> tuple[Tensor, Tensor, Tensor]:
        """Confusion of the parts, ignored pixels, confusion of the silhouettes."""
        parts, ignored, silhouettes = torch.split(rows.sum(0), [self.classes**2, 2, 4])
        return parts.reshape(self.classes, self.classes), ignored, silhouettes.reshape(2, 2)
