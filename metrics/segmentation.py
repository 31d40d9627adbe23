"""Mean intersection over union of label images."""

from __future__ import annotations

import torch
from jaxtyping import Float64, Integer
from torch import Tensor

from metrics.base import ExactMetric
from metrics.functional.segmentation import confusion_matrix, iou


class MIoU(ExactMetric):
    """Mean intersection over union over classes.

    Convention:
        Unit: labels in, percent out. Label 255 in the target does not count. Class set: all `classes`, class 0 (the
        background) left out of the mean with `background=False`. Pixels of all samples are pooled in one confusion
        matrix; a class that occurs nowhere is left out of the mean.
    """

    higher_is_better = True
    confusion: Tensor

    def __init__(self, classes: int, background: bool = True) -> None:
        super().__init__()
        self.classes, self.background = classes, background
        zero = torch.zeros(classes, classes, dtype=torch.float64)
        self.add_state("confusion", zero, dist_reduce_fx="sum")

    def update(self, prediction: Integer[Tensor, "batch *space"], target: Integer[Tensor, "batch *space"]) -> None:
        """Add a batch of label images."""
        self.confusion = self.confusion + confusion_matrix(prediction, target, self.classes).sum(0)

    def per_class(self) -> Float64[Tensor, "classes"]:
        """IoU of every class in percent, of what this process has seen."""
        return 100 * iou(self.confusion)

    def compute(self) -> Float64[Tensor, ""]:
        """Mean over classes in percent."""
        return self.per_class()[0 if self.background else 1 :].nanmean()
