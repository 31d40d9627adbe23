"""A paper's table and its commands as plain values, for `zoo reproduce --json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from zoo.reproduction.needs import needs_of
from zoo.reproduction.plan import Plan
from zoo.reproduction.show import Shown, command_of, reported_of, verdict_of
from zoo.results.reported import ReportedTable


def table_facts(table: ReportedTable, runs: Sequence[Shown], *, compare: bool) -> dict[str, Any]:
    """What `print_commands` and `print_table` show.

    Args:
        table: of the paper.
        runs: of its rows, in its order; without results where nothing was run.
        compare: whether reported and measured numbers are of the same benchmark.
    """
    return {
        "table": table.table,
        "title": table.title,
        "rows": [_row(table, run, compare) for run in runs],
        "needs": [dataclasses.asdict(need) for need in needs_of(s for run in runs for s in run.plan.stages)],
    }


def _row(table: ReportedTable, run: Shown, compare: bool) -> dict[str, Any]:
    return {
        **_plan(table, run.plan),
        "seed": run.seed,
        "measured": run.result.values if run.result else None,
        "verdict": verdict_of(table, run, compare) if run.result else None,
    }


def _plan(table: ReportedTable, plan: Plan) -> dict[str, Any]:
    return {
        "row": plan.label,
        "reported": reported_of(table, plan),
        "protocol": plan.protocol,
        "tolerance": plan.tolerance,
        "commands": [command_of(stage) for stage in plan.stages],
        "finished": [stage.finished.is_file() for stage in plan.stages],
        "note": plan.note,
        "reason": plan.reason,
    }
