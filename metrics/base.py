"""What every metric here is: terms per sample, and a function of their sum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric


class ExactMetric(Metric):
    """A metric whose float64 state follows the module's device but never its precision."""

    full_state_update = False

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> Module:
        def move(tensor: Tensor) -> Tensor:
            device = fn(tensor.new_zeros(1, dtype=torch.float32)).device
            return tensor if device.type == "mps" else tensor.to(device)  # that device has no float64

        return super()._apply(move, exclude_state)


class SumMetric(ExactMetric, ABC):
    """A metric whose value is a function of sums over samples.

    `terms` gives each sample's contribution, `value` turns sums of contributions into the number. The same two
    functions serve one pass over a data set, any grouping of it (per action), and several processes. The state is one
    float64 vector.

    Attributes:
        higher_is_better: as in torchmetrics.
        unit: `mm` or `%`.
        field: what `Evaluation` feeds it with: `joints` or `vertices`.
    """

    unit: str
    field: str
    totals: Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns
        self.add_state("totals", torch.zeros(columns, dtype=torch.float64), dist_reduce_fx="sum")

    @abstractmethod
    def terms(
        self,
        prediction: Float[Tensor, "batch points 3"],
        target: Float[Tensor, "batch points 3"],
        valid: Bool[Tensor, "batch points"] | None = None,
    ) -> Float64[Tensor, "batch columns"]:
        """Contribution of each sample to the totals."""

    @abstractmethod
    def value(self, totals: Float64[Tensor, "*groups columns"]) -> Float64[Tensor, "*groups"]:
        """The metric of each group of samples, from the sum of the group's terms; NaN for a group without any."""

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor | None = None) -> None:
        """Add a batch."""
        # Not in place: a state made in inference mode could not be changed outside it.
        self.totals = self.totals + self.terms(prediction, target, valid).sum(0)

    def compute(self) -> Float64[Tensor, ""]:
        """The metric over everything added so far."""
        return self.value(self.totals)


def mean_terms(errors: Float64[Tensor, "batch"], counted: Bool[Tensor, "batch"]) -> Float64[Tensor, "batch 2"]:
    """Terms (error, 1) of samples that count and (0, 0) of the others, for a mean over samples."""
    return torch.stack([errors.where(counted, 0.0), counted.double()], -1)


def any_valid(valid: Bool[Tensor, "batch points"] | None, prediction: Float[Tensor, "batch points 3"]) -> Tensor:
    """Samples with at least one valid point."""
    if valid is None:
        return torch.ones(len(prediction), dtype=torch.bool, device=prediction.device)
    return valid.any(1)
