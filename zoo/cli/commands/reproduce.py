"""How every row of a paper's tables is run again: commands, what they need, reported beside measured."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from body.choices import unknown_name
from zoo.cli.json_output import print_json
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.reproduction import Plan
    from zoo.reproduction.show import Shown
    from zoo.results.reported import ReportedTable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo reproduce`."""
    parser.add_argument("method", help="such as i2l_meshnet")
    parser.add_argument("--table", help="number in the paper (default: all)")
    parser.add_argument("--row", help="only rows whose method or settings contain this text")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--official", action="store_true", help="evaluate the authors' weights instead of training")
    which.add_argument("--open", action="store_true", help="at small size on the open benchmark, which anyone can run")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each row with --open (default: %(default)s)")
    parser.add_argument("--run", action="store_true", help="run what can be run; what has been run is not repeated")


def run(arguments: argparse.Namespace) -> int:
    """Print the rows with their commands and needs, or run them and print reported beside measured.

    Returns:
        0; with `--run` 1 where a measured number is outside of its tolerance.

    Raises:
        ZooError: no such method, table or row, or a command failed.
    """
    from zoo.reproduction.facts import table_facts
    from zoo.reproduction.plan import Mode, plan_row, select_rows
    from zoo.reproduction.show import Shown, print_commands
    from zoo.results.reported import read_reported

    papers = {paper.method: paper for paper in read_reported()}
    if arguments.method not in papers:
        raise ZooError(unknown_name("paper of a method", arguments.method, papers))
    if not 1 <= arguments.seeds <= 100 or (arguments.seeds > 1 and not arguments.open):
        raise ZooError("--seeds is 1 to 100, and for --open")
    paper = papers[arguments.method]
    kind = "open" if arguments.open else "official" if arguments.official else "training"
    seeds = list(range(arguments.seeds)) if arguments.open else [None]
    outside, documents = False, []
    for table, rows in select_rows(paper, arguments.table, arguments.row):
        plans = [
            (plan, seed if plan.stages else None)
            for row in rows
            for seed in seeds
            for plan in plan_row(paper, table, row, Mode(kind, seed))
            if plan.stages or seed == seeds[0]  # what is not run is said once
        ]
        if arguments.run:
            shown = _run_rows(plans)
            outside |= _report_runs(paper.method, table, shown, small=arguments.open)
        else:
            shown = [Shown(plan, seed, None) for plan, seed in plans]
            print_commands(table, [plan for plan, _ in plans], small=arguments.open)
        if arguments.json:
            documents.append(table_facts(table, shown, compare=not arguments.open))
    if arguments.json:
        print_json(documents)
    return int(outside)


def _run_rows(plans: list[tuple[Plan, int | None]]) -> list[Shown]:
    """Run the rows that can be."""
    from zoo.reproduction.needs import needs_of
    from zoo.reproduction.run import run_plan
    from zoo.reproduction.show import Shown

    shown = []
    for plan, seed in plans:
        missing = [need.name for need in needs_of(plan.stages) if need.here is False]
        if missing:
            plan = dataclasses.replace(plan, stages=(), reason=f"missing: {', '.join(missing)}")
        shown.append(Shown(plan, seed, run_plan(plan) if plan.stages else None))
    return shown


def _report_runs(method: str, table: ReportedTable, shown: list[Shown], *, small: bool) -> bool:
    """Print the rows, and keep those at small size; whether one is outside of its tolerance."""
    from zoo.reproduction.record import keep_small_runs
    from zoo.reproduction.show import print_table

    outside = print_table(table, shown, compare=not small)
    if small and any(run.result for run in shown):
        path, order = keep_small_runs(method, table, shown)
        print(f"{order[:1].upper()}{order[1:]}.\nStored {path}" if order else f"Stored {path}")
    return outside
