"""All weights by method, and which of them can be loaded."""

from __future__ import annotations

import argparse

from lightning_modules import METHODS
from zoo.checkpoints.entry import Checkpoint
from zoo.checkpoints.info import info
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.store import converted_path
from zoo.cli.json_output import print_json

AVAILABILITY = {
    "ready": "can be loaded",
    "download": "is downloaded from the Hub when first loaded",
    "fetch": "zoo fetch NAME says where the authors publish it; zoo convert converts it",
    "none": "there are no weights; zoo info NAME says why",
}


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Options of `zoo list`."""


def run(arguments: argparse.Namespace) -> int:
    """Print a table, or everything `checkpoints.yaml` says as JSON."""
    entries = read_checkpoints()
    if arguments.json:
        print_json({name: {"state": availability(entry), **info(name)} for name, entry in entries.items()})
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("weights", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("what it is")
    for entry in entries.values():
        name = Text(f"{entry.name} *", "bold") if entry.default else Text(entry.name)
        size = "" if entry.bytes is None else f" ({entry.bytes / 1e6:.1f} MB)"
        table.add_row(name, availability(entry), entry.summary + size)
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print("\nThe name of a method means its default weights (*). Details: zoo info NAME.")
    others = sorted(METHODS.keys() - {entry.method for entry in entries.values()})
    if others:
        console.print(f"Methods of installed packages: {', '.join(others)}. zoo.load reads the files of their weights.")
    states = {availability(entry) for entry in entries.values()}
    for state, text in AVAILABILITY.items():
        if state in states:
            console.print(f"{state}: {text}")
    return 0


def availability(entry: Checkpoint) -> str:
    """A key of `AVAILABILITY`."""
    if entry.availability == "none":
        return "none"
    if entry.availability == "official":
        return "ready" if converted_path(entry).is_file() else "fetch"
    return {"bundled": "ready", "hub": "download"}[entry.availability]
