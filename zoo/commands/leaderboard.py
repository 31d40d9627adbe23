"""Results by protocol: what papers report and what was measured here, never in one column."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo leaderboard`."""
    parser.add_argument("protocol", nargs="?", help="such as open-v1 (default: all)")
    parser.add_argument("--format", choices=("table", "markdown", "csv", "json"), default="table")
    parser.add_argument("--results", type=Path, help="folder of your own results (default: $ZOO_RESULTS or ./results)")
    parser.add_argument("--actions", action="store_true", help="add the measured rows' results by action")


def run(arguments: argparse.Namespace) -> int:
    """Print the rows in the wanted format."""
    from zoo.leaderboard import leaderboard
    from zoo.leaderboard_formats import FORMATS, as_table, group_table

    rows = leaderboard(arguments.protocol, arguments.results)
    if arguments.format != "table":
        print(FORMATS[arguments.format](rows), end="")
        return 0
    from rich.console import Console

    console = Console()
    console.print(as_table(rows))
    for row in rows:
        if arguments.actions and "action" in row.groups:
            console.print(group_table(row))
    return 0
