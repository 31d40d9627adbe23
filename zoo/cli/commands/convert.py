"""Convert an authors' weight file for zoo.load. No code in the file is run."""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cli.json_output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo convert`."""
    parser.add_argument("method", help="such as i2l_meshnet")
    parser.add_argument("file", type=Path, help="as downloaded, such as snapshot_7.pth.tar; also inside a zip or tar")
    parser.add_argument("--variant", help="tag of the weights, such as h36m_muco_coco; see zoo list")


def run(arguments: argparse.Namespace) -> int:
    """Convert, and print the written file and how to load it."""
    from zoo.checkpoints.convert import convert

    path = convert(arguments.method, arguments.file, arguments.variant)
    if arguments.json:
        print_json({"path": path, "name": path.stem})
        return 0
    print(path)
    print(f'zoo.load("{path.stem}")')
    return 0
