"""Tables of commands and of numbers for the terminal; reported and measured numbers never share a column."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.documents.configs import flatten, read_config
from zoo.documents.resources import find_config
from zoo.reproduction.needs import needs_of
from zoo.reproduction.plan import Plan, Stage
from zoo.results.reported import COLUMNS, ReportedTable
from zoo.results.result import Result


@dataclass(frozen=True)
class Shown:
    """A run of a row.

    Attributes:
        plan: of the row.
        seed: of the training, where several are run.
        result: of the test; None where there is none.
    """

    plan: Plan
    seed: int | None
    result: Result | None


def command_of(stage: Stage) -> str:
    """What one types."""
    return shlex.join(["zoo", *stage.arguments])


def cost_of(stage: Stage) -> str:
    """How long a training is, as far as its configuration says."""
    tree = flatten(read_config(find_config(stage.config)))
    settings = {name.replace(".init_args", ""): value for name, value in tree.items()} | stage.options
    batch = settings.get("data.batch_size")
    steps, epochs = settings.get("trainer.max_steps"), settings.get("trainer.max_epochs")
    length = f"{steps} steps" if steps is not None else f"{epochs} epochs"
    return f"{length}, {batch} crops each" if steps is not None else f"{length}, batches of {batch}"


def print_commands(table: ReportedTable, plans: Sequence[Plan], *, small: bool) -> None:
    """Rows with their commands, what each costs, and what they need; reasons for those that cannot be run.

    Args:
        table: of the paper.
        plans: of its rows.
        small: whether they are run at small size, where no number of the paper can be reproduced.
    """
    print(table.heading)
    for plan in plans:
        if plan.stages:
            print(f"\n  {plan.label}: {numbers_of(table, plan, small=small)}")
            for stage in plan.stages:
                cost = f"  # {cost_of(stage)}" if stage.arguments[0] == "fit" else ""
                print(f"    {command_of(stage)}{cost}{', done' if cost and stage.finished.is_file() else ''}")
            if plan.note:
                print(f"    note: {plan.note}")
    _print_reasons(plans)
    needs = needs_of(stage for plan in plans for stage in plan.stages)
    if needs:
        print("\n  needs:")
    for need in needs:
        state = {True: "here", False: "MISSING", None: "cannot be checked"}[need.here]
        print(f"    {need.name}: {state}{f'; {need.how_to_get}' if not need.here and need.how_to_get else ''}")
    print()


def _print_reasons(plans: Sequence[Plan]) -> None:
    """Rows that are not run, those of one reason together."""
    by_reason: dict[str, dict[str, None]] = {}
    for plan in plans:
        if not plan.stages:
            label = plan.row.method + (f" ({plan.row.settings})" if plan.row.settings else "")
            by_reason.setdefault(plan.reason, {})[label] = None
    for reason, labels in by_reason.items():
        print(f"\n  not run: {', '.join(labels)}: {reason}")


def numbers_of(table: ReportedTable, plan: Plan, *, small: bool) -> str:
    """What the paper prints for a plan and how near a repetition has to come, or what it says instead of a number."""
    values = reported_of(table, plan)
    if not values:
        return plan.row.note
    numbers = ", ".join(f"{COLUMNS[name].title} {value:g}" for name, value in values.items())
    return f"reported {numbers}" + ("" if small else f", reproduced within {plan.tolerance:.0%}")


def reported_of(table: ReportedTable, plan: Plan) -> dict[str, float]:
    """What the paper prints for the row, or for the one group of it that a plan is of."""
    if plan.group and table.breakdown:
        value = plan.row.cells[table.breakdown.groups.index(plan.group)]
        return {} if value is None else {table.breakdown.metric: value}
    return plan.row.values


def print_table(table: ReportedTable, runs: Sequence[Shown], *, compare: bool = True) -> bool:
    """Reported beside measured numbers; whether a measured one is outside of its tolerance.

    Args:
        table: of the paper.
        runs: in its order.
        compare: whether the two are of the same benchmark; at small size they are not.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)
    shown = Table(title=table.heading, title_justify="left", box=None, pad_edge=False)
    shown.add_column("row", overflow="fold", min_width=24)
    metrics = list(table.units)
    extra = list(dict.fromkeys(n for run in runs if run.result for n in run.result.values if not compare))
    for metric in metrics:
        shown.add_column(f"{COLUMNS[metric].title}\nreported", justify="right")
    for metric in metrics if compare else extra:
        shown.add_column(f"{COLUMNS[metric].title}\nmeasured", justify="right")
    shown.add_column("verdict" if compare else "", overflow="fold")
    outside = False
    for run in runs:
        printed, measured = reported_of(table, run.plan), run.result.values if run.result else {}
        verdict = verdict_of(table, run, compare)
        outside |= verdict.startswith("no,")
        label = f"{run.plan.label}{'' if run.seed is None else f', seed {run.seed}'}"
        cells = [_cell(name, printed) for name in metrics]
        cells += [_cell(name, measured) for name in (metrics if compare else extra)]
        shown.add_row(label, *cells, "not run" if run.plan.reason else verdict)
    console.print(shown)
    _print_reasons([run.plan for run in runs])
    return outside


def _cell(metric: str, values: dict[str, float]) -> str:
    return f"{values[metric]:.{COLUMNS[metric].decimals}f}" if metric in values else ""


def verdict_of(table: ReportedTable, run: Shown, compare: bool) -> str:
    """Whether a row is reproduced, or why that cannot be said; it starts with `no,` where it is not."""
    measured = run.result.values if run.result else {}
    return run.plan.reason or _verdict(reported_of(table, run.plan), measured, run.plan.tolerance, compare)


def _verdict(printed: dict[str, float], measured: dict[str, float], tolerance: float, compare: bool) -> str:
    shared = [name for name in printed if name in measured]
    if not measured:
        return "no result was stored"
    if not compare or not shared:
        return ""
    off = {name: abs(measured[name] / printed[name] - 1) if printed[name] else 0.0 for name in shared}
    worst = max(off, key=lambda name: off[name])
    return f"within {tolerance:.0%}" if off[worst] <= tolerance else f"no, {worst} is off by {off[worst]:.1%}"
