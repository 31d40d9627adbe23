"""Evaluate the bundled model on an open benchmark, and draw predictions for some samples."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from zoo.cli.json_output import print_json
from zoo.prediction import default_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo demo`."""
    parser.add_argument("--model", default=default_weights.NAME, help="see zoo list (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the files (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Print the metrics beside the mean-pose baseline, and write images."""
    from zoo.checkpoints.listing import get_checkpoint
    from zoo.checkpoints.load import identify_weights, load
    from zoo.checkpoints.photographs import on_photographs

    start = time.monotonic()
    entry = get_checkpoint(arguments.model)
    model = load(entry.name)
    from rich.console import Console

    from zoo.prediction.demo import predict_samples, write_demo_images
    from zoo.prediction.export.files import write_files
    from zoo.results.baseline import measure_baseline, open_mean_pose
    from zoo.results.evaluation import result_table
    from zoo.results.open_benchmark import benchmark_of, measure

    console = Console(markup=False)
    console.print(f"{entry.name}: {entry.summary}", highlight=False)
    datamodule = benchmark_of(model)  # shows a progress bar if it renders images
    with console.status("Evaluating the model"):
        result = measure(model, datamodule, identify_weights(entry.name), f"zoo demo --model {entry.name}")
    with console.status("Evaluating the mean pose of the training samples"):
        baseline = measure_baseline(open_mean_pose(), datamodule, result.protocol)
    console.print(result_table(result, baseline))
    with console.status("Drawing"):
        paths = write_demo_images(predict_samples(model, datamodule), datamodule, arguments.out, entry.name)
    record = {"protocol": result.protocol, "samples": result.samples, "model": result.values, "mean_pose": baseline}
    paths += write_files(
        {"result.json": (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()}, arguments.out
    )
    if arguments.json:
        print_json({**record, "files": paths})
        return 0
    console.print(f"{len(paths)} files in {arguments.out.resolve()}; start with contact_sheet.png", highlight=False)
    console.print(f"{time.monotonic() - start:.0f} s. {entry.name}: {on_photographs(entry)}", highlight=False)
    return 0
