"""Turn a checkpoint of zoo fit into a weights file: for checkpoints.yaml, or with --unlisted for yourself."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from zoo.resources import resource, weights_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo package`."""
    parser.add_argument("checkpoint", type=Path, help="written by zoo fit")
    parser.add_argument("name", help="METHOD.TAG: an entry of checkpoints.yaml, such as i2l_meshnet.open_tiny")
    parser.add_argument("--folder", type=Path, default=weights_folder(), help="for the weights (default: %(default)s)")
    parser.add_argument("--listing", type=Path, default=resource("checkpoints.yaml"), help="the list to update")
    parser.add_argument("--unlisted", action="store_true", help="weights of your own: write the file, touch no list")


def run(arguments: argparse.Namespace) -> int:
    """Package a checkpoint and print its facts as JSON."""
    from zoo.checkpoints.package import package

    listing = None if arguments.unlisted else arguments.listing
    print(json.dumps(package(arguments.checkpoint, arguments.name, arguments.folder, listing), indent=1))
    return 0
