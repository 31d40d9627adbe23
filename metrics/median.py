"""Median over samples of a position error."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.base import SampleMean, SampleMetric
from metrics.functional.distance import median
from metrics.rows import RowMetric


class Median(RowMetric, SampleMetric):
    """Median over samples of the error per sample that another metric averages.

    Convention:
        Unit, alignment and joint set: those of the metric inside. Of an even number of samples the mean of the two
        middle ones. Samples without a valid point are left out.
    """

    def __init__(self, of: SampleMean) -> None:
        super().__init__(of.columns)
        self.of = of
        self.name, self.field = f"{of.name}_median", of.field
        self.info = replace(of.info, label=f"median {of.info.label}")

    def terms(
        self,
        prediction: Float[Tensor, "batch points dims"],
        target: Float[Tensor, "batch points dims"],
        valid: Bool[Tensor, "batch points"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """(error, 1) of samples that count, (0, 0) of the others."""
        return self.of.terms(prediction, target, valid)

    def reduce(self, terms: Float64[Tensor, "samples 2"]) -> Float64[Tensor, ""]:
        """Median over the samples that count."""
        return median(terms[terms[:, 1] > 0, 0])

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor | None = None) -> None:
        """Add a batch."""
        self.keep(self.checked_terms(prediction, target, valid))

    def compute(self) -> Float64[Tensor, ""]:
        """The median over everything added so far."""
        return self.reduce(self.table())
