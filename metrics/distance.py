"""Mean position errors of joints and vertices."""

from __future__ import annotations

from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.base import SumMetric, any_valid, mean_terms
from metrics.functional.distance import masked_mean, mpjpe, pa_mpjpe, point_errors


class MPJPE(SumMetric):
    """Mean per-joint position error.

    Convention:
        Unit: metres in, millimetres out. Alignment: joint number `root` of both sides is moved to the origin; none
        with `root=None`. Joint set: every joint given, the root included. Averaging: over the valid joints of a
        sample, then over samples. A sample without a valid joint, or whose root is invalid, is left out; NaN in a
        valid joint makes the result NaN.
    """

    higher_is_better = False
    unit = "mm"
    field = "joints"

    def __init__(self, root: int | None = None) -> None:
        super().__init__(columns=2)
        self.root = root

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 3"],
        target: Float[Tensor, "batch joints 3"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """(error, 1) of each sample."""
        counted = any_valid(valid, prediction)
        if self.root is not None and valid is not None:
            counted = counted & valid[:, self.root]
        return mean_terms(mpjpe(prediction, target, valid, self.root), counted)

    def value(self, totals: Float64[Tensor, "*groups 2"]) -> Float64[Tensor, "*groups"]:
        """Mean over samples, mm."""
        return totals[..., 0] / totals[..., 1]


class PAMPJPE(SumMetric):
    """MPJPE after Procrustes alignment of each prediction to its target ("reconstruction error").

    Convention:
        Unit: metres in, millimetres out. Alignment: similarity (rotation, translation, scale), or rigid with
        `scaling=False`; the prediction moves, the target stays; no reflections. Joint set: every valid joint given,
        for the alignment and for the mean. Averaging: over joints, then over samples. Degenerate poses: see
        `metrics.functional.procrustes`.
    """

    higher_is_better = False
    unit = "mm"
    field = "joints"

    def __init__(self, scaling: bool = True) -> None:
        super().__init__(columns=2)
        self.scaling = scaling

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 3"],
        target: Float[Tensor, "batch joints 3"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """(error, 1) of each sample."""
        return mean_terms(pa_mpjpe(prediction, target, valid, self.scaling), any_valid(valid, prediction))

    def value(self, totals: Float64[Tensor, "*groups 2"]) -> Float64[Tensor, "*groups"]:
        """Mean over samples, mm."""
        return totals[..., 0] / totals[..., 1]


class PVE(SumMetric):
    """Per-vertex error (MPVPE): the mean distance of corresponding mesh vertices.

    Convention:
        Unit: metres in, millimetres out. Alignment: none here; hand over root-relative vertices, as `Evaluation` does.
        Vertex set: every valid vertex given, all weighing the same. Averaging: over vertices, then over samples.
    """

    higher_is_better = False
    unit = "mm"
    field = "vertices"

    def __init__(self) -> None:
        super().__init__(columns=2)

    def terms(
        self,
        prediction: Float[Tensor, "batch vertices 3"],
        target: Float[Tensor, "batch vertices 3"],
        valid: Bool[Tensor, "batch vertices"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """(error, 1) of each sample."""
        errors = masked_mean(point_errors(prediction, target), valid)
        return mean_terms(errors, any_valid(valid, prediction))

    def value(self, totals: Float64[Tensor, "*groups 2"]) -> Float64[Tensor, "*groups"]:
        """Mean over samples, mm."""
        return totals[..., 0] / totals[..., 1]
