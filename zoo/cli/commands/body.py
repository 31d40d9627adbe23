"""Body-model files: zoo body convert FILE converts a distributed SMPL or MANO pickle to npz. No code in it is run."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

from zoo.cli.json_output import print_json
from zoo.errors import ZooError, one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo body`."""
    parser.add_argument("action", choices=("convert",))
    parser.add_argument("file", type=Path, help="such as SMPL_NEUTRAL.pkl or MANO_RIGHT.pkl")
    parser.add_argument("--out", type=Path, help="output file (default: beside the file, ending in .npz)")


def run(arguments: argparse.Namespace) -> int:
    """Convert, and print the written file."""
    from body.smpl_files import convert_smpl_file

    try:
        path = convert_smpl_file(arguments.file, arguments.out)
    except (OSError, ValueError, pickle.UnpicklingError) as error:
        raise ZooError(one_line(error)) from None
    if arguments.json:
        print_json({"path": path})
    else:
        print(path)
    return 0
