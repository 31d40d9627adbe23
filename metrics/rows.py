"""Metrics that keep every sample's numbers until the end: gathered from all processes, each sample once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float64, Int, Int64
from torch import Tensor

from metrics.base import ExactMetric


class RowMetric(ExactMetric):
    """A metric whose state is a list of float64 rows of one length.

    Args:
        columns: length of a row.
    """

    rows: list[Tensor] | Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns
        self.add_state("rows", [], dist_reduce_fx="cat")

    def sync(
        self,
        dist_sync_fn: Callable[..., list[Tensor]] | None = None,
        process_group: object | None = None,
        should_sync: bool = True,
        distributed_available: Callable[[], bool] | None = None,
    ) -> None:
        """Gather the rows of all processes, also where one of them has none."""
        if isinstance(self.rows, list) and len(self.rows) == 0:
            # torchmetrics would send a float32 vector here, and the others' matrices could not be received.
            self.rows = [torch.zeros(0, self.columns, dtype=torch.float64, device=self.device)]
        super().sync(dist_sync_fn, process_group, should_sync, distributed_available)

    def keep(self, rows: Float64[Tensor, "rows columns"]) -> None:
        """Add rows."""
        assert isinstance(self.rows, list), "no update while the state is gathered"
        self.rows.append(rows.detach())

    def table(self) -> Float64[Tensor, "rows columns"]:
        """All rows, in no particular order."""
        if isinstance(self.rows, Tensor):
            return self.rows
        blank = torch.zeros(0, self.columns, dtype=torch.float64, device=self.device)
        return torch.cat(self.rows) if len(self.rows) else blank


class IndexedMetric(RowMetric):
    """A metric that keeps rows of numbers with the unique index of their sample.

    Padding by a distributed sampler, the order and size of batches and the number of processes do not change what
    `samples` returns, so a metric made from it is the same number everywhere.

    Args:
        columns: length of a row, without the index.
    """

    def __init__(self, columns: int) -> None:
        super().__init__(columns + 2)

    def add(
        self,
        index: Int[Tensor, " rows"],
        rows: Float64[Tensor, "rows columns"],
        slot: Int[Tensor, " rows"] | None = None,
    ) -> None:
        """Keep rows.

        Args:
            index: the sample of each row.
            rows: the numbers.
            slot: tells the rows of one sample apart, where it has several.
        """
        if index.shape != rows.shape[:1] or index.is_floating_point():
            raise ValueError(f"index {tuple(index.shape)} must be an integer for each of {len(rows)} samples")
        index = index.to(rows.device)
        slot = torch.zeros_like(index) if slot is None else slot.to(rows.device)
        self.keep(torch.cat([torch.stack([index, slot], -1).double(), rows], -1))

    def samples(self) -> tuple[Int64[Tensor, " rows"], Float64[Tensor, "rows columns"]]:
        """Index and numbers of every row, each index and slot once, in their order."""
        table = self.table()
        table = table[table[:, 1].argsort(stable=True)]
        table = table[table[:, 0].argsort(stable=True)]
        fresh = torch.ones(len(table), dtype=torch.bool, device=table.device)
        fresh[1:] = (table[1:, :2] != table[:-1, :2]).any(-1)
        return table[fresh, 0].long(), table[fresh, 2:]


def as_float64(tensor: Tensor) -> Float64[Tensor, "..."]:
    """In float64, without gradient, on the CPU where the device has none."""
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).detach().double()
