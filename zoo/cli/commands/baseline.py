"""The mean pose of the training people as a prediction for every test sample of the open benchmark, as JSON."""

from __future__ import annotations

import argparse

from zoo.cli.json_output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo baseline`."""
    parser.add_argument("protocol", nargs="?", default="open-v1", choices=("open-v1", "open-v1-body"))


def run(arguments: argparse.Namespace) -> int:
    """Measure and print the metrics over all test samples, as JSON with or without `--json`."""
    from metrics import overall
    from zoo.results.baseline import measure_baseline, open_mean_pose
    from zoo.results.open_benchmark import open_benchmark

    values = overall(measure_baseline(open_mean_pose(), open_benchmark(), arguments.protocol))
    print_json(values)
    return 0
