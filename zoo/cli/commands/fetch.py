"""Download weights, or print where to obtain those that are not redistributable; exit status 1 then."""

from __future__ import annotations

import argparse


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
        print(resolve_weights(entry))
        return 0
    source = entry.source
    if entry.availability == "none" or source is None:
        print(f"{entry.name}: {how_to_obtain(entry)}")
        return 1
    method, _, tag = entry.name.partition(".")
    print(f"{entry.name} is not redistributable, so it cannot be downloaded automatically.")
    print(f"Licence of the weights: {entry.licences.weights}. Of the data: {entry.licences.data}.")
    print(f"1. Open {source.page}")
    print(f"   and download {source.file}: {source.reason}.")
    print(f"2. zoo convert {method} {source.file} --variant {tag}")
    steps = [f"3. Also required: {', '.join(entry.requires)} (zoo doctor says how)."] if entry.requires else []
    for line in [*steps, f'Then zoo.load("{entry.name}") works.']:
        print(line)
    return 1
