"""What works on this machine, and what to do about the rest. Leaves with 1 when something needed is broken."""

from __future__ import annotations

import argparse
import dataclasses
import json

COLOURS = {"ok": "green", "missing": "yellow", "broken": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo doctor`."""
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    """Print the checks; 1 when one of them is `broken`, since `missing` things are optional."""
    from zoo.health import examine

    checks = examine()
    broken = [check.name for check in checks if check.state == "broken"]
    if arguments.json:
        print(json.dumps({"ok": not broken, "checks": [dataclasses.asdict(check) for check in checks]}, indent=1))
        return int(bool(broken))
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(check.name, Text(check.state, COLOURS[check.state]), Text(check.detail))
    console = Console()
    console.print(table)
    console.print(f"\nBroken: {', '.join(broken)}" if broken else "\nEverything needed works.", highlight=False)
    return int(bool(broken))
