"""Percentage of correct 3D keypoints, and the area under its curve."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.base import SumMetric
from metrics.functional.threshold import AUC_THRESHOLDS, PCK_THRESHOLD, pck_hits
from metrics.info import percent


class HitRate(SumMetric):
    """Percentage of correct joints; a row is the correct joints at each threshold, then the number of joints."""

    def value(self, totals: Float64[Tensor, "*groups columns"]) -> Float64[Tensor, "*groups"]:
        """Percent, averaged over the thresholds."""
        return 100 * totals[..., :-1].mean(-1) / totals[..., -1]


class AUC(HitRate):
    """Mean of 3DPCK over thresholds.

    Convention:
        Unit: metres in, percent out; thresholds in millimetres, by default 31 of them, 0 to 150 in steps of 5.
        Alignment: none here; hand over aligned joints. Joint set: every valid joint given. Inequality: strict (error
        < threshold), so that the threshold 0 counts nothing and a perfect prediction scores 96.77. Joints of all
        samples are pooled.
    """

    name, info = "auc", percent("AUC")
    field = "joints"

    def __init__(self, thresholds: tuple[float, ...] = AUC_THRESHOLDS) -> None:
        super().__init__(columns=len(thresholds) + 1)
        self.thresholds = thresholds

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 3"],
        target: Float[Tensor, "batch joints 3"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch columns"]:
        """Correct joints per threshold, then the number of joints."""
        hits, count = pck_hits(prediction, target, valid, self.thresholds)
        return torch.cat([hits, count[:, None]], -1)


class PCK3D(AUC):
    """Percentage of 3D joints that are close to the truth.

    Convention:
        Unit: metres in, percent out; the threshold in millimetres, by default 150. Alignment: none here; hand over
        aligned joints. Joint set: every valid joint given. Inequality: strict (error < threshold). Joints of all
        samples are pooled.
    """

    name, info = "pck3d", percent("3DPCK")

    def __init__(self, threshold: float = PCK_THRESHOLD) -> None:
        super().__init__(thresholds=(threshold,))
