"""Convert a checkpoint of zoo fit to a weights file, for checkpoints.yaml or with --unlisted for your own use."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cli.json_output import print_json
from zoo.documents.resources import resource_path, weights_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo package`."""
    parser.add_argument("checkpoint", type=Path, help="written by zoo fit")
    parser.add_argument("name", help="METHOD.TAG: an entry of checkpoints.yaml, such as i2l_meshnet.open_tiny")
    parser.add_argument("--folder", type=Path, default=weights_folder(), help="for the weights (default: %(default)s)")
    parser.add_argument(
        "--listing", type=Path, default=resource_path("checkpoints.yaml"), help="the checkpoints.yaml to update"
    )
    parser.add_argument("--unlisted", action="store_true", help="write the file only, for weights that are not listed")


def run(arguments: argparse.Namespace) -> int:
    """Package a checkpoint and print the fields of its entry as JSON, with or without `--json`."""
    from zoo.checkpoints.package import package_checkpoint

    listing = None if arguments.unlisted else arguments.listing
    print_json(package_checkpoint(arguments.checkpoint, arguments.name, arguments.folder, listing))
    return 0
