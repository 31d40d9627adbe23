"""Keeps what was measured at small size, table by table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.reproduction.plan import OUTPUTS
from zoo.reproduction.show import Shown, command_of
from zoo.results.orders import order_sentence
from zoo.results.reported import ReportedTable
from zoo.results.small import SmallRun, SmallTable, write_small_table


def keep_small_runs(method: str, table: ReportedTable, runs: Sequence[Shown]) -> tuple[Path, str]:
    """Write the runs of a table that have a result to `outputs/reproduce`; the file's path, and `order_sentence`."""
    kept = [
        SmallRun(
            row=run.plan.label,
            seed=run.seed or 0,
            values=run.result.values,
            samples=run.result.samples,
            root_depth=run.result.root_depth,
            weights_sha256=run.result.weights_sha256,
            commands=tuple(command_of(stage) for stage in run.plan.stages),
            date=run.result.date,
            device=run.result.device,
        )
        for run in runs
        if run.result is not None
    ]
    small = SmallTable(method, table.table, table.title, tuple(kept))
    return write_small_table(small, OUTPUTS), order_sentence(small, table)
