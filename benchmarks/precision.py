"""What half precision is worth with released weights: ms a crop, and how far joints move on the open benchmark.

python -m benchmarks.precision [NAME ...] [--precision bf16 fp16]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import zoo
from lightning_modules.base import PoseModule
from lightning_modules.common.precision import DTYPES, Precision
from zoo.deployment.calibration import measure_cost
from zoo.deployment.parity import Runner
from zoo.deployment.predictor import INPUTS, Predictor, example_inputs

NAMES = [f"{method}.open" for method in ("i2l_meshnet", "hemlets", "danet", "nbf", "cascaded_lifting")]
BATCHES = (1, 8)


def milliseconds(model: PoseModule, batch: int, rounds: int = 5) -> float:
    """Of one crop, in a batch; the best of some rounds after a first one."""
    crops, best = dict(zip(INPUTS, example_inputs(model, batch), strict=True)), np.inf
    with torch.inference_mode():
        for number in range(rounds + 1):
            started = time.perf_counter()
            model.predict_step(crops, 0)  # type: ignore[arg-type]
            if number:
                best = min(best, time.perf_counter() - started)
    return float(1000 * best / batch)


def runner_of(model: PoseModule) -> Runner:
    """A model as what `measure_cost` compares."""

    def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        crops = {name: torch.from_numpy(value) for name, value in inputs.items()}
        with torch.inference_mode():
            return {"joints": model.predict_step(crops, 0).joints.numpy()}  # type: ignore[arg-type]

    return run  # type: ignore[return-value]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", default=NAMES, help="weights; the five methods' open ones when omitted")
    parser.add_argument("--precision", nargs="*", choices=get_args(Precision), default=["bf16"])
    options = parser.parse_args(arguments)
    columns = [f"ms, batch {batch}" for batch in BATCHES]
    table = Table("weights", "precision", *columns, "moved, mm", "farthest", "mean error, mm")
    for name in options.name:
        exact = zoo.load(name)
        times = [f"{milliseconds(exact, batch):.1f}" for batch in BATCHES]
        table.add_row(name, "fp32", *times, "", "", "")
        predictor = Predictor(exact)
        for precision in options.precision:
            model = zoo.load(name).to(DTYPES[precision])
            times = [f"{milliseconds(model, batch):.1f}" for batch in BATCHES]
            cost = measure_cost(exact, predictor, runner_of(model))
            errors = f"{cost.error:.1f} -> {cost.reduced_error:.1f}"
            table.add_row(name, precision, *times, f"{cost.moved:.2f}", f"{cost.farthest:.1f}", errors)
    Console(width=110).print(table)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
