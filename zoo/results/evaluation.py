"""From a finished test run to a result, and its table for the terminal."""

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
from metrics import PROTOCOLS
from zoo.errors import ZooError
from zoo.results.result import Result, WeightsIdentity, make_result

if TYPE_CHECKING:
    from rich.table import Table


def make_test_result(
    trainer: pl.Trainer,
    model: PoseModule,
    datamodule: BaseDataModule,
    weights: WeightsIdentity,
    config: Mapping[str, Any],
    command: str,
) -> Result:
    """The result of a test run that has just ended.

    Args:
        trainer: after `trainer.test`.
        model: that was tested.
        datamodule: that it was tested on.
        weights: that were loaded.
        config: of the run, as plain values.
        command: command line of the run.

    Raises:
        ZooError: the run was stopped or did not see the whole test split of the benchmark, or a number is not finite.
    """
    if not trainer.state.finished:
        raise ZooError("the test run did not finish")
    expected, limit = len(datamodule.dataset("test")), trainer.limit_test_batches
    values = {
        name.removeprefix("test/"): float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("test/")
    }
    protocol = model.protocol
    if int(values.get("n", 0)) != expected:
        raise ZooError(f"{int(values.get('n', 0))} of {expected} samples were tested (limit_test_batches {limit})")
    if protocol.primary not in values:
        raise ZooError(f"no sample had what {protocol.info[protocol.primary].label} of protocol {protocol.id} compares")
    if datamodule.protocol != protocol.id:
        raise ZooError(f"the data are of protocol {datamodule.protocol or 'none'}, not of {protocol.id}")
    try:
        datamodule.check_test_split()
    except ValueError as error:
        raise ZooError(str(error)) from None
    fingerprint = datamodule.fingerprint("test")
    return make_result(
        protocol.id,
        values,
        method=_method_name(model),
        weights=weights.label,
        weights_sha256=weights.sha256,
        data=f"{protocol.benchmark}, {protocol.split}",
        data_fingerprint=fingerprint,
        root_depth=model.root_depth_source,
        config=config,
        device=device_name(trainer.strategy.root_device),
        precision=str(trainer.precision),
        command=command,
    )


def result_table(result: Result, baseline: Mapping[str, float] | None = None) -> Table:
    """A result for the terminal, a row per metric, with a baseline and the ratio to it.

    Args:
        result: a measured result.
        baseline: metric -> value of the mean pose on the same data.
    """
    from rich.table import Table

    title = f"{result.protocol}, {result.samples} samples, root depth: {result.root_depth}, measured {result.date[:10]}"
    table = Table("metric", title=title, title_justify="left")
    for column in (result.weights, *(("mean pose", "ratio") if baseline is not None else ())):
        table.add_column(column, justify="right")
    for metric, info in PROTOCOLS[result.protocol].info.items():
        if metric in result.values:
            value = result.values[metric]
            row = [info.title, f"[bold]{info.format(value)}[/]"]
            if baseline is not None:
                row += [info.format(baseline[metric]), f"{value / baseline[metric]:.0%}"]
            table.add_row(*row)
    return table


def device_name(device: torch.device) -> str:
    """Name of the processor or GPU, as its manufacturer gives it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _method_name(model: PoseModule) -> str:
    from lightning_modules import METHODS

    path = f"{type(model).__module__}.{type(model).__qualname__}"
    return next((name for name, registered in METHODS.items() if registered == path), path)


def command_line() -> str:
    """The command line of this process, with `zoo` as the program."""
    return " ".join(["zoo", *sys.argv[1:]])
