"""All facts about one set of weights: origin, licences, training and results."""

from __future__ import annotations

import argparse
from typing import Any

from zoo.checkpoints.info import info
from zoo.checkpoints.listing import read_checkpoints
from zoo.cli.commands.list import AVAILABILITY, availability
from zoo.cli.json_output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo info`."""
    parser.add_argument("name", help="a method such as i2l_meshnet, or method.tag")


def run(arguments: argparse.Namespace) -> int:
    """Print the entry, one field a row, without empty ones."""
    facts = info(arguments.name)
    entries = read_checkpoints()
    state = availability(entries[facts["name"]])
    if arguments.json:
        print_json({"state": state, **facts})
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    others = [name for name, entry in entries.items() if entry.method == facts["method"] and name != facts["name"]]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("state", Text(f"{state}: {AVAILABILITY[state]}"))
    for name, value in {**facts, "other weights": others}.items():
        if value not in (None, (), {}, [], ""):
            table.add_row(name, Text(_format_inline(value) if name == "config" else _format(value)))
    Console(markup=False).print(table)
    return 0


def _format(value: Any) -> str:
    """A value as text: mappings with one item per line, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_format_inline(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _format_inline(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_format_inline(item)}" for key, item in value.items() if item is not None)
    return _format(value) if isinstance(value, bool) else str(value)
