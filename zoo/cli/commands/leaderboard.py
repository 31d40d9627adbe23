"""Reported and measured results by protocol, never in one column."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.json_output import print_alone, print_json

if TYPE_CHECKING:
    from zoo.results.leaderboard import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo leaderboard`."""
    parser.add_argument("protocol", nargs="?", help="such as open-v1, or unstated (default: all that have rows)")
    parser.add_argument("--format", choices=("table", "markdown", "csv", "json", "html"), default="table")
    parser.add_argument("--actions", action="store_true", help="add the results by action, sequence or setting")
    parser.add_argument("--ablations", action="store_true", help="add comparisons of variants within a paper")
    parser.add_argument("--results", type=Path, help="folder of your results (default: $ZOO_RESULTS or ./results)")
    parser.add_argument(
        "--check", action="store_true", help="compare measured with reported numbers; exit status 1 if they differ"
    )
    parser.add_argument("--tolerance", type=float, default=0.01, help="of --check, relative (default: 0.01)")


def run(arguments: argparse.Namespace) -> int:
    """Print the rows, or compare measured with reported numbers."""
    from zoo.results.leaderboard import leaderboard

    rows = leaderboard(arguments.protocol, arguments.results)
    if arguments.check:
        return _check(rows, arguments)
    if arguments.json:
        arguments.format = "json"
    if arguments.format == "table":
        _print(rows, arguments)
        return 0
    print_alone(_text(rows, arguments))
    return 0


def _text(rows: Sequence[Row], arguments: argparse.Namespace) -> str:
    """CSV, JSON and HTML have every row; Markdown has the rows of the terminal table."""
    if arguments.format == "markdown":
        from zoo.results.leaderboard import sections
        from zoo.results.leaderboard.markdown import as_markdown

        return as_markdown(sections(_select_rows(rows, arguments)), actions=arguments.actions)
    if arguments.format == "html":
        from zoo.results.leaderboard.page import as_html

        return as_html(rows)
    from zoo.results.leaderboard.data import as_csv, as_json

    return as_csv(rows, actions=arguments.actions) if arguments.format == "csv" else as_json(rows)


def _select_rows(rows: Sequence[Row], arguments: argparse.Namespace) -> list[Row]:
    """Without ablations, and without numbers of unstated protocols, unless requested."""
    if arguments.ablations:
        return list(rows)
    return [row for row in rows if not row.ablation and (arguments.protocol or not row.table)]


def _print(rows: Sequence[Row], arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from zoo.results.leaderboard import sections
    from zoo.results.leaderboard.terminal import as_table

    console, selected = Console(markup=False), _select_rows(rows, arguments)
    parts = sections(selected)
    one = arguments.protocol is not None
    console.print(as_table(parts, width=console.width, full=one, actions=arguments.actions))
    if not parts:
        console.print("no results yet; run zoo test --weights NAME", highlight=False)
    hidden = len(sections(rows)) - len(parts)
    if hidden:
        more = f"zoo leaderboard{f' {arguments.protocol}' if one else ''} --ablations"
        console.print(f"{hidden} more tables: {more}{'' if one else ', zoo leaderboard unstated'}", highlight=False)


def _check(rows: Sequence[Row], arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from zoo.checkpoints.listing import read_checkpoints
    from zoo.results.leaderboard.check import compare

    console, tolerance = Console(markup=False), arguments.tolerance
    by_authors = {name: entry.reported for name, entry in read_checkpoints().items()}
    comparisons = compare(rows, by_authors, tolerance)
    status = 0 if all(one.reproduced for one in comparisons) else 1
    if arguments.json:
        print_json([dataclasses.asdict(one) for one in comparisons])
        return status
    if not comparisons:
        console.print("no measured result has a reported counterpart", highlight=False)
        return 0
    table = Table(box=None, pad_edge=False)
    table.add_column("weights, protocol, source", overflow="fold", min_width=26)
    table.add_column("metric")
    for name in ("measured", "reported", "off by"):
        table.add_column(name, justify="right")
    table.add_column(f"reproduced\nwithin {tolerance:.1%}", overflow="fold")
    for one in comparisons:
        numbers = (f"{one.measured:.2f}", f"{one.reported:.2f}", f"{one.difference:+.1%}")
        verdict = Text("yes") if one.reproduced else Text("no", style="bold red")
        table.add_row(Text(f"{one.weights}\n{one.protocol}\n{one.source}"), one.label, *numbers, verdict)
    console.print(table)
    return status
