"""What the pose metrics are: terms per sample, and a function of many samples' terms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal
from uuid import uuid4

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric

from metrics.functional.checks import check_finite, check_points
from metrics.functional.distance import masked_mean
from metrics.info import MetricInfo
from metrics.protocol import Protocol

Field = Literal["joints", "distance_joints", "root", "joints_2d", "vertices", "rest_vertices", "posed_vertices", "pose"]
"""What a sample metric compares; see `metrics.tasks.pose` and `metrics.tasks.mesh`."""


class ExactMetric(Metric):
    """A metric whose float64 state follows the module's device but never its precision.

    A `MetricCollection` merges metrics whose states have the same names and, after one batch, the same values, and
    from then on feeds one of them only. Here values that are equal by chance say nothing (two thresholds that nothing
    is below), so every metric has one more state, of a name of its own.
    """

    full_state_update = False
    is_differentiable = False

    def __init__(self) -> None:
        super().__init__()
        self._mark = f"mark_{uuid4().hex}"
        self.add_state(self._mark, torch.zeros(()), dist_reduce_fx="sum")

    def persistent(self, mode: bool = False) -> None:
        """As in torchmetrics; the mark is nobody else's and never stored."""
        super().persistent(mode)
        self._persistent[self._mark] = False

    def _reduce_states(self, incoming_state: dict[str, Any]) -> None:
        """Add another metric's state, which has another mark, or an earlier one of this metric."""
        super()._reduce_states({**incoming_state, self._mark: getattr(self, self._mark)})

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> Module:
        def move(tensor: Tensor) -> Tensor:
            device = fn(tensor.new_zeros(1, dtype=torch.float32)).device
            return tensor if device.type == "mps" else tensor.to(device)  # that device has no float64

        return super()._apply(move, exclude_state)


class SampleMetric(ExactMetric, ABC):
    """A metric that is a function of numbers per sample.

    `terms` gives each sample's row of numbers, `reduce` makes the metric from the rows of any group of samples. The
    same two functions serve one pass over a data set, any grouping of it (per action), and several processes.

    Attributes:
        name: of the metric in results.
        info: how its numbers are read and written.
        field: what it compares, for the tasks that feed it.
        dims: coordinates of a point.
        columns: length of a row.
    """

    name: str
    info: MetricInfo
    field: Field
    dims: int = 3
    columns: int

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> SampleMetric:  # noqa: ARG003 (for those that depend on it)
        """The metric as a protocol means it."""
        return cls()

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        """As in torchmetrics."""
        return self.info.higher_is_better

    @abstractmethod
    def terms(
        self,
        prediction: Float[Tensor, "batch points dims"],
        target: Float[Tensor, "batch points dims"],
        valid: Bool[Tensor, "batch points"] | None = None,
    ) -> Float64[Tensor, "batch columns"]:
        """Row of each sample; zeros for a sample that does not count."""

    def checked_terms(
        self, prediction: Tensor, target: Tensor, valid: Tensor | None = None
    ) -> Float64[Tensor, "batch columns"]:
        """`terms` of points that are numbers wherever they count.

        Raises:
            ValueError: the shapes differ, or a point that counts is NaN or infinite; see `functional.checks`.
        """
        check_points(prediction, target, valid, self.dims)
        check_finite(prediction, valid, "prediction")
        check_finite(target, valid, "target")
        return self.terms(prediction, target, valid)

    @abstractmethod
    def reduce(self, terms: Float64[Tensor, "samples columns"]) -> Float64[Tensor, ""]:
        """The metric of a group of samples; NaN when none of them counts."""


class SumMetric(SampleMetric):
    """A sample metric that needs no more than the sum of the rows; its state is one float64 vector."""

    totals: Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns
        self.add_state("totals", torch.zeros(columns, dtype=torch.float64), dist_reduce_fx="sum")

    @abstractmethod
    def value(self, totals: Float64[Tensor, "*groups columns"]) -> Float64[Tensor, "*groups"]:
        """The metric of each group of samples, from the sum of the group's rows; NaN for a group without any."""

    def reduce(self, terms: Float64[Tensor, "samples columns"]) -> Float64[Tensor, ""]:
        """The metric of a group of samples."""
        return self.value(terms.sum(0))

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor | None = None) -> None:
        """Add a batch."""
        # A new tensor: a state made in inference mode could not be changed outside it.
        self.totals = self.totals + self.checked_terms(prediction, target, valid).sum(0).detach()

    def compute(self) -> Float64[Tensor, ""]:
        """The metric over everything added so far."""
        return self.value(self.totals)


class SampleMean(SumMetric):
    """Mean over samples of an error per sample; a row is (error, 1).

    A sample without a valid point is left out.
    """

    def __init__(self) -> None:
        super().__init__(columns=2)

    @abstractmethod
    def errors(
        self,
        prediction: Float[Tensor, "batch points dims"],
        target: Float[Tensor, "batch points dims"],
        valid: Bool[Tensor, "batch points"] | None,
    ) -> Float64[Tensor, " batch"]:
        """Error of each sample; anything for a sample that does not count."""

    def counted(self, valid: Bool[Tensor, "batch points"]) -> Bool[Tensor, " batch"]:
        """Samples that count."""
        return valid.any(1)

    def terms(
        self,
        prediction: Float[Tensor, "batch points dims"],
        target: Float[Tensor, "batch points dims"],
        valid: Bool[Tensor, "batch points"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """(error, 1) of samples that count, (0, 0) of the others."""
        errors = self.errors(prediction, target, valid)
        counted = torch.ones_like(errors, dtype=torch.bool) if valid is None else self.counted(valid)
        return torch.stack([errors.where(counted, 0.0), counted.double()], -1)

    def value(self, totals: Float64[Tensor, "*groups 2"]) -> Float64[Tensor, "*groups"]:
        """Mean over samples."""
        return totals[..., 0] / totals[..., 1]


class PointMean(SampleMean):
    """Mean over the valid points of a sample, then over samples, of an error per point."""

    @staticmethod
    @abstractmethod
    def per_point(
        prediction: Float[Tensor, "batch points dims"], target: Float[Tensor, "batch points dims"]
    ) -> Float64[Tensor, "batch points"]:
        """Error of every point."""

    def errors(
        self,
        prediction: Float[Tensor, "batch points dims"],
        target: Float[Tensor, "batch points dims"],
        valid: Bool[Tensor, "batch points"] | None,
    ) -> Float64[Tensor, " batch"]:
        """Mean over each sample's points."""
        return masked_mean(self.per_point(prediction, target), valid)
