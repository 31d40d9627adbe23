"""What works on this machine, and how to fix the rest. Exit status 1 when something required is broken."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from zoo.cli.json_output import print_json

if TYPE_CHECKING:
    from rich.table import Table

    from zoo.environment.doctor import Check

COLOURS = {"ok": "green", "missing": "yellow", "broken": "red"}


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Options of `zoo doctor`."""


def run(arguments: argparse.Namespace) -> int:
    """Print the checks; 1 when one is `broken`; `missing` ones are optional."""
    from body.assets import assets_folder
    from zoo.environment.doctor import run_checks

    groups, assets = run_checks(), assets_folder()
    broken = [check.name for checks in groups.values() for check in checks if check.state == "broken"]
    if arguments.json:
        checks = [
            {"group": group, **dataclasses.asdict(check)} for group, results in groups.items() for check in results
        ]
        folder = None if assets is None else str(assets)
        print_json({"ok": not broken, "assets": folder, "checks": checks})
        return int(bool(broken))
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    for group, results in groups.items():
        console.print(_table(group, results))
        console.print()
    console.print(f"ZOO_ASSETS is {assets or 'not set'}: the folder of licensed files; its layout is in zoo/README.md.")
    console.print(f"Broken: {', '.join(broken)}" if broken else "Everything required works.")
    return int(bool(broken))


def _table(group: str, checks: list[Check]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, title=group, title_justify="left", title_style="bold")
    table.add_column(min_width=14, max_width=22, overflow="fold")
    table.add_column(no_wrap=True, min_width=7)
    table.add_column(overflow="fold", ratio=1)
    for check in checks:
        purpose = f"for {check.unlocks}\n" if check.unlocks and check.state != "ok" else ""
        detail = Text.assemble((purpose, "dim"), check.detail)
        table.add_row(Text(check.name), Text(check.state, COLOURS[check.state]), detail)
    return table
