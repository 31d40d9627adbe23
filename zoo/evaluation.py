"""From a finished test run to a stored result."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from datamodules.base import BaseDataModule
from lightning_modules.base import PoseModule
from metrics import METRIC_LABELS, METRIC_UNITS, PROTOCOLS
from zoo.checkpoints import get_checkpoint
from zoo.errors import ZooError
from zoo.results import Result, make_result
from zoo.weights import file_sha256

if TYPE_CHECKING:
    from rich.table import Table


def tested(
    trainer: pl.Trainer,
    model: PoseModule,
    datamodule: BaseDataModule,
    weights: str,
    config: Mapping[str, Any],
    command: str,
) -> Result:
    """The result of a test run that has just ended.

    Args:
        trainer: after `trainer.test`.
        model: what was tested.
        datamodule: what it was tested on.
        weights: name in `checkpoints.yaml`, or a checkpoint file.
        config: of the run, plain values.
        command: what was typed.

    Raises:
        ZooError: the run did not see the whole test split of the benchmark, or a number is not finite.
    """
    whole, asked = len(datamodule.dataset("test")), trainer.limit_test_batches
    values = {
        name.removeprefix("test/"): float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("test/")
    }
    protocol = model.metrics.protocol
    if int(values.get("n", 0)) != whole:
        raise ZooError(f"{int(values.get('n', 0))} of {whole} samples were tested (limit_test_batches {asked})")
    if datamodule.protocol != protocol.id:
        raise ZooError(f"the data are {datamodule.protocol or 'of no protocol'}, not of protocol {protocol.id}")
    fingerprint = datamodule.fingerprint("test")
    if fingerprint != type(datamodule)().fingerprint("test"):
        raise ZooError(f"the data are not the test split that protocol {protocol.id} means")
    name, sha256 = _identity(weights)
    return make_result(
        protocol.id,
        values,
        method=_method(model),
        weights=name,
        weights_sha256=sha256,
        data=f"{protocol.benchmark}, {protocol.split}",
        data_fingerprint=fingerprint,
        config=config,
        device=device_name(trainer.strategy.root_device),
        precision=str(trainer.precision),
        command=command,
    )


def result_table(result: Result, baseline: Mapping[str, float] | None = None) -> Table:
    """A result as a row for the terminal, narrow enough for 80 columns; a baseline and its ratio below it.

    Args:
        result: a measured result.
        baseline: metric -> value of the mean pose on the same data.
    """
    from rich.table import Table

    metrics = [metric for metric in PROTOCOLS[result.protocol].metrics if metric in result.values]
    table = Table(title=f"{result.protocol}, measured {result.date[:10]}", title_justify="left")
    table.add_column("weights")
    for metric in metrics:
        table.add_column(f"{METRIC_LABELS[metric]} {METRIC_UNITS[metric]}", justify="right")
    table.add_column("n", justify="right")
    table.add_row(result.weights, *(f"{result.values[m]:.1f}" for m in metrics), str(result.samples), style="bold")
    if baseline is not None:
        table.add_row("mean pose", *(f"{baseline[m]:.1f}" for m in metrics), f"{baseline['n']:.0f}")
        table.add_row("ratio", *(f"{result.values[m] / baseline[m]:.0%}" for m in metrics), "", style="dim")
    return table


def device_name(device: torch.device) -> str:
    """The processor's name as its maker writes it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _identity(weights: str) -> tuple[str, str]:
    """Name and SHA-256 of weights."""
    if Path(weights).is_file():
        return Path(weights).name, file_sha256(Path(weights))
    entry = get_checkpoint(weights)
    return entry.name, str(entry.sha256)


def _method(model: PoseModule) -> str:
    from lightning_modules import METHODS

    path = f"{type(model).__module__}.{type(model).__qualname__}"
    return next((name for name, known in METHODS.items() if known == path), path)


def command_line() -> str:
    """What was typed, with the program's bare name."""
    return " ".join(["zoo", *sys.argv[1:]])
