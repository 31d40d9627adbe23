"""The models there are, and which of them can be loaded right now."""

from __future__ import annotations

import argparse
import json

from zoo.checkpoints import Checkpoint, info, read_checkpoints

AVAILABLE = {"bundled": "here", "hub": "download", "official": "official", "none": "not yet"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo list`."""
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    """Print a table, or everything `checkpoints.yaml` says as JSON."""
    entries = read_checkpoints()
    if arguments.json:
        print(json.dumps({name: info(name) for name in entries}, indent=1))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("weights", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("what it is")
    for entry in entries.values():
        name = f"[bold]{entry.name}[/]" if entry.default else entry.name
        table.add_row(name, AVAILABLE[entry.availability], _size(entry), entry.summary)
    console = Console()
    console.print(table)
    console.print("\nBold: what the method's name alone means. zoo info MODEL says more.", highlight=False)
    return 0


def _size(entry: Checkpoint) -> str:
    return "" if entry.bytes is None else f"{entry.bytes / 1e6:.1f} MB"
