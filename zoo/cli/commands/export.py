"""A model as ONNX, torch.export or OpenVINO file, checked against PyTorch before it is written."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from zoo.cli.json_output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo export`."""
    parser.add_argument("name", help="see zoo list")
    parser.add_argument("--format", choices=("onnx", "torch-export", "openvino"), default="onnx", dest="kind")
    parser.add_argument("--out", type=Path, help="the file (default: NAME.onnx, NAME.pt2 or NAME.xml here)")
    parser.add_argument(
        "--limit", type=float, default=0.1, help="mm that a joint or vertex may differ (default: %(default)s)"
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="convolutions in int8 (onnx, openvino), calibrated on images of the open benchmark",
    )
    parser.add_argument(
        "--int8-limit", type=float, default=3.0, help="mm that int8 may move joints on average (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export, and print the file and how well it agrees."""
    from zoo.checkpoints.load import load, resolve_name
    from zoo.deployment.export import export_model
    from zoo.deployment.formats import SUFFIXES, require_libraries

    require_libraries(arguments.kind)
    name = resolve_name(arguments.name)
    target = arguments.out or Path(f"{Path(name).stem if '/' in name else name}{SUFFIXES[arguments.kind]}")
    int8_limit = arguments.int8_limit if arguments.int8 else None
    exported = export_model(load(arguments.name), name, arguments.kind, target, arguments.limit, int8_limit)
    size = exported.path.stat().st_size / 2**20
    if arguments.json:
        print_json({"bytes": exported.path.stat().st_size, **dataclasses.asdict(exported)})
        return 0
    print(f"{exported.path}: {size:.1f} MiB, within {exported.difference:.2g} mm of PyTorch for batches of 1 and 3")
    if exported.cost is not None:
        cost = exported.cost
        print(
            f"int8: mean error {cost.error:.1f} -> {cost.reduced_error:.1f} mm on {cost.images} images of open-v2; "
            f"joints moved by {cost.moved:.1f} mm, at most {cost.farthest:.0f} mm"
        )
    return 0
