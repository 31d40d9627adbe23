"""Download weights, or print where to obtain those that are not redistributable; exit status 1 then."""

from __future__ import annotations

import argparse
import dataclasses

from zoo.cli.json_output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo fetch`."""
    parser.add_argument("name", help="method.tag, or a method, which means its default")


def run(arguments: argparse.Namespace) -> int:
    """Print the path of the weights, or the steps to obtain them."""
    from zoo.checkpoints.files import how_to_obtain, resolve_weights
    from zoo.checkpoints.listing import get_checkpoint
    from zoo.checkpoints.store import converted_path

    entry = get_checkpoint(arguments.name)
    if entry.availability in ("bundled", "hub") or converted_path(entry).is_file():
        path = resolve_weights(entry)
        print_json({"name": entry.name, "path": path}) if arguments.json else print(path)
        return 0
    source, (method, _, tag) = entry.source, entry.name.partition(".")
    if arguments.json:
        where = None if source is None else {**dataclasses.asdict(source), "variant": tag, "requires": entry.requires}
        print_json({"name": entry.name, "path": None, "why": how_to_obtain(entry), "source": where})
        return 1
    if entry.availability == "none" or source is None:
        print(f"{entry.name}: {how_to_obtain(entry)}")
        return 1
    print(f"{entry.name} is not redistributable, so it cannot be downloaded automatically.")
    print(f"Licence of the weights: {entry.licences.weights}. Of the data: {entry.licences.data}.")
    print(f"1. Open {source.page}")
    print(f"   and download {source.file}: {source.reason}.")
    print(f"2. zoo convert {method} {source.file} --variant {tag}")
    steps = [f"3. Also required: {', '.join(entry.requires)} (zoo doctor says how)."] if entry.requires else []
    for line in [*steps, f'Then zoo.load("{entry.name}") works.']:
        print(line)
    return 1
