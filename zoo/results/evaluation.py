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
from metrics import PROTOCOLS, Protocol
from zoo.errors import ZooError
from zoo.results.result import Result, WeightsIdentity, make_result

if TYPE_CHECKING:
    from rich.table import Table


class PartialRun(ZooError):
    """A run that did not see the whole test split: its numbers are shown, and not stored."""


def tested_values(trainer: pl.Trainer) -> dict[str, float]:
    """What the test run that has just ended has measured, by name; groups have names with a slash."""
    logged = trainer.callback_metrics
    return {name.removeprefix("test/"): float(logged[name]) for name in logged if name.startswith("test/")}


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
        PartialRun: the run did not see the whole test split of the benchmark.
        ZooError: the run was stopped, nothing could be compared, or a number is not finite.
    """
    if not trainer.state.finished:
        raise ZooError("the test run did not finish")
    expected, limit = len(datamodule.dataset("test")), trainer.limit_test_batches
    values = tested_values(trainer)
    protocol = model.protocol
    if int(values.get("n", 0)) != expected:
        raise PartialRun(f"{int(values.get('n', 0))} of {expected} samples were tested (limit_test_batches {limit})")
    if protocol.primary not in values:
        raise ZooError(f"no sample had what {protocol.info[protocol.primary].label} of protocol {protocol.id} compares")
    if datamodule.protocol != protocol.data_id:
        raise ZooError(f"the data are of protocol {datamodule.protocol or 'none'}, not of {protocol.data_id}")
    try:
        datamodule.check_test_split()
    except ValueError as error:
        raise PartialRun(str(error)) from None
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
    title = f"{result.protocol}, {result.samples} samples, root depth: {result.root_depth}, measured {result.date[:10]}"
    return values_table(title, PROTOCOLS[result.protocol], result.weights, result.values, baseline)


def values_table(
    title: str,
    protocol: Protocol,
    weights: str,
    values: Mapping[str, float],
    baseline: Mapping[str, float] | None = None,
) -> Table:
    """Numbers of a protocol for the terminal, a row per metric; see `result_table`."""
    from rich.table import Table
    from rich.text import Text

    table = Table("metric", title=Text(title), title_justify="left")
    for column in (Text(weights), *(("mean pose", "ratio") if baseline is not None else ())):
        table.add_column(column, justify="right")
    for metric, info in protocol.info.items():
        if metric in values:
            value = values[metric]
            row: list[str | Text] = [info.title, Text(info.format(value), "bold")]
            if baseline is not None:
                row += [info.format(baseline[metric]), f"{value / baseline[metric]:.0%}"]
            table.add_row(*row)
        else:
            table.add_row(info.title, "-")
            table.caption = "-: the labels have nothing to compare, or the method does not predict it"
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
    from body.installed import name_of
    from lightning_modules import METHODS

    return name_of(type(model), METHODS) or f"{type(model).__module__}.{type(model).__qualname__}"


def command_line() -> str:
    """The command line of this process, with `zoo` as the program."""
    return " ".join(["zoo", *sys.argv[1:]])
