"""What the papers' trainings and the benchmarks' evaluations would take on 1, 8 and 64 GPUs, from measured parts.

A step takes the longer of its arithmetic and its loading, and what of the gradients' exchange does not hide behind the
backward pass. Measured here: arithmetic of the papers' networks (counted by PyTorch), loading of a sample on one core,
sizes of gradients. Of GPUs, only what the command line says: sustained TFLOP/s, cores beside each, GB/s between them.

    python -m benchmarks.scale --tflops 60 --cores 16 --link 20
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.cpu_cases import STUDIES, Method
from benchmarks.loaders import PHOTOGRAPHS, dataset_of, seconds_each, write_photographs

GPUS = (1, 8, 64)
BACKWARD = 3
"""A training step's arithmetic as a multiple of the forward pass's."""
HIDDEN = 0.7
"""Share of the gradients' exchange that happens during the backward pass; an assumption."""
IMAGES = {"3DPW": 35515, "FreiHAND": 3960, "UP-3D": 1389, "LSP": 1000, "open-v2": 600}
"""Crops of the test splits."""


@dataclass(frozen=True)
class Schedule:
    """A training as its paper or release says.

    Attributes:
        crops: seen in all.
        batch: crops of a step on all GPUs; more GPUs than crops cannot be used.
        says: where the numbers are from.
    """

    crops: int
    batch: int
    says: str


SCHEDULES: dict[Method, Schedule] = {
    "i2l_meshnet": Schedule(25 * 130240, 64, "FreiHAND: 25 epochs of 130,240"),
    "hemlets": Schedule(100000 * 64, 64, "100,000 steps of 64"),
    "danet": Schedule(65000 * 16, 16, "65,000 steps of 16"),
    "nbf": Schedule(75 * 5703, 5, "UP-3D: 75 epochs of 5,703"),
    "cascaded_lifting": Schedule(20 * 2 * 312188, 64, "Human3.6M and MPII: 20 epochs of twice 312,188"),
}


@dataclass(frozen=True)
class Machine:
    """A GPU and what it has.

    Attributes:
        tflops: sustained in training and inference.
        cores: that load for each GPU.
        link: GB/s at which each GPU sends gradients.
    """

    tflops: float
    cores: int
    link: float


@dataclass(frozen=True)
class Parts:
    """What was measured of a method.

    Attributes:
        gflop: of a forward pass, for one crop.
        parameters: of the network.
        load: seconds of one core for a sample.
    """

    gflop: float
    parameters: int
    load: float


def training_hours(parts: Parts, schedule: Schedule, machine: Machine, gpus: int) -> float:
    """Hours of a schedule at its own batch size, spread over the GPUs."""
    used = min(gpus, schedule.batch)
    each = schedule.batch / used
    compute = each * BACKWARD * parts.gflop / (1000 * machine.tflops)
    loading = each * parts.load / machine.cores
    exchange = 2 * (used - 1) / used * 4 * parts.parameters / (1e9 * machine.link) * (1 - HIDDEN)
    return schedule.crops / schedule.batch * (max(compute, loading) + exchange) / 3600


def evaluation_minutes(parts: Parts, images: int, machine: Machine, gpus: int) -> float:
    """Minutes of one pass over a test split; sums of metrics are all that is exchanged."""
    return -(-images // gpus) * max(parts.gflop / (1000 * machine.tflops), parts.load / machine.cores) / 60


@torch.no_grad()
def measure(method: Method, load: float) -> Parts:
    """Arithmetic and size of the paper's network."""
    case, side = STUDIES[method].case(False), STUDIES[method].side
    with FlopCounterMode(display=False) as counter:
        case(torch.rand(1, 3, side, side))
    return Parts(counter.get_total_flops() / 1e9, sum(weight.numel() for weight in case.parameters()), load)


def measured_load(samples: int = 40) -> float:
    """Seconds in which one core decodes, crops and augments a sample of Human3.6M's size."""
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), *PHOTOGRAPHS["human36m"][:2])
        return seconds_each(dataset_of("human36m", Path(folder), samples), samples)[0]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tflops", type=float, default=60, help="sustained of a GPU (default: %(default)s)")
    parser.add_argument("--cores", type=int, default=16, help="for each GPU (default: %(default)s)")
    parser.add_argument("--link", type=float, default=20, help="GB/s of each GPU (default: %(default)s)")
    machine = Machine(**vars(parser.parse_args(arguments)))
    load = measured_load()
    many = [f"{gpus} GPU{'s' if gpus > 1 else ''}" for gpus in GPUS]
    training = Table("training", "GFLOP a crop", "M parameters", *(f"hours, {name}" for name in many))
    tests = Table("evaluation, one GPU, minutes", *IMAGES)
    for method in get_args(Method):
        parts, schedule = measure(method, load), SCHEDULES[method]
        hours = (f"{training_hours(parts, schedule, machine, gpus):.1f}" for gpus in GPUS)
        training.add_row(f"{method}, {schedule.says}", f"{parts.gflop:.0f}", f"{parts.parameters / 1e6:.0f}", *hours)
        tests.add_row(method, *(f"{evaluation_minutes(parts, count, machine, 1):.1f}" for count in IMAGES.values()))
    print(f"a sample takes {1000 * load:.1f} ms of one core; assumed of a GPU: {machine}")
    Console(width=140).print(training, tests)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
