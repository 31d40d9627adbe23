"""The weights there are, by method, and which of them can be loaded right now."""

from __future__ import annotations

import argparse
import json

from zoo.checkpoints.listing import Checkpoint, has_landed, info, read_checkpoints
from zoo.checkpoints.store import converted_path

MEANING = {
    "here": "can be loaded now",
    "download": "is fetched from the Hub when first loaded",
    "fetch": "zoo fetch NAME tells where the authors keep it; zoo convert makes it loadable",
    "no code": "exists, but its method has not landed in this version",
    "none": "no weights exist; zoo info NAME says why",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo list`."""
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    """Print a table, or everything `checkpoints.yaml` says as JSON."""
    entries = read_checkpoints()
    if arguments.json:
        print(json.dumps({name: {"state": state(entry), **info(name)} for name, entry in entries.items()}, indent=1))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("weights", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("what it is")
    for entry in entries.values():
        name = f"[bold]{entry.name} *[/]" if entry.default else entry.name
        size = "" if entry.bytes is None else f" ({entry.bytes / 1e6:.1f} MB)"
        table.add_row(name, state(entry), entry.summary + size)
    console = Console(highlight=False)
    console.print(table)
    console.print("\nA method's name alone means its default (*). zoo info NAME says more.")
    seen = {state(entry) for entry in entries.values()}
    for word, text in MEANING.items():
        if word in seen:
            console.print(f"{word}: {text}")
    return 0


def state(entry: Checkpoint) -> str:
    """A key of `MEANING`."""
    if entry.availability == "none":
        return "none"
    if not has_landed(entry):
        return "no code"
    if entry.availability == "official":
        return "here" if converted_path(entry).is_file() else "fetch"
    return {"bundled": "here", "hub": "download"}[entry.availability]
