"""Get weights ready to load, or learn where to get a file that cannot be downloaded for you. Leaves with 1 then."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo fetch`."""
    parser.add_argument("name", help="method.tag, or a method, which means its default")


def run(arguments: argparse.Namespace) -> int:
    """Print the path of the weights, or the steps that lead to them."""
    from zoo.checkpoints.files import checked_file, what_to_do
    from zoo.checkpoints.listing import get_checkpoint, has_landed
    from zoo.checkpoints.store import converted_path

    entry = get_checkpoint(arguments.name)
    if entry.availability in ("bundled", "hub") or converted_path(entry).is_file():
        print(checked_file(entry))
        return 0
    source = entry.source
    if entry.availability == "none" or source is None or not has_landed(entry):
        print(f"{entry.name}: {what_to_do(entry)}")
        return 1
    method, _, tag = entry.name.partition(".")
    print(f"{entry.name} may not be passed on, so it cannot be downloaded for you.")
    print(f"Licence of the weights: {entry.licences.weights}. Of the data: {entry.licences.data}.")
    print(f"1. Open {source.page}")
    print(f"   and download {source.file}: {source.reason}.")
    print(f"2. zoo convert {method} {source.file} --variant {tag}")
    steps = [f"3. Needed as well: {', '.join(entry.requires)} (zoo doctor says how)."] if entry.requires else []
    for line in [*steps, f'Then zoo.load("{entry.name}") works.']:
        print(line)
    return 1
