"""Measure the bundled model on the open benchmark, here and now, and draw pictures of what it sees."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo demo`."""
    parser.add_argument("--model", default="i2l_meshnet", help="see zoo list (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the files (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Print a leaderboard row measured on the spot beside the mean-pose baseline, and write pictures."""
    from zoo.checkpoints.listing import get_checkpoint
    from zoo.checkpoints.load import identify, load

    start = time.monotonic()
    entry = get_checkpoint(arguments.model)
    model = load(entry.name)
    from rich.console import Console

    from zoo.prediction.demo import look, write_pictures
    from zoo.prediction.export.files import write_together
    from zoo.results.baseline import measure_baseline, open_mean_pose
    from zoo.results.evaluation import result_table
    from zoo.results.open_benchmark import measure, open_benchmark

    console = Console()
    console.print(f"{entry.name}: {entry.summary}", highlight=False)
    datamodule = open_benchmark()  # shows its own progress when it has to make the photographs
    with console.status("Measuring the model"):
        result = measure(model, datamodule, identify(entry.name), f"zoo demo --model {entry.name}")
    with console.status("Measuring the mean pose of the training people"):
        baseline = measure_baseline(open_mean_pose(), datamodule)
    console.print(result_table(result, baseline))
    with console.status("Drawing"):
        paths = write_pictures(look(model, datamodule), datamodule, arguments.out, entry.name)
    record = {"protocol": result.protocol, "samples": result.samples, "model": result.values, "mean_pose": baseline}
    paths += write_together({"result.json": (json.dumps(record, indent=1) + "\n").encode()}, arguments.out)
    console.print(f"{len(paths)} files in {arguments.out.resolve()}; start with contact_sheet.png", highlight=False)
    console.print(
        f"{time.monotonic() - start:.0f} s. The model knows rendered people, not photographs.", highlight=False
    )
    return 0
