"""One measured result: all numbers of a complete evaluation, and everything needed to know what they mean."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from body.choices import unknown_name
from metrics import PROTOCOLS, Protocol, groups, overall
from metrics.report import AVERAGE
from metrics.tasks import PeopleTask
from zoo.documents.configs import flatten
from zoo.errors import ZooError

Table = dict[str, dict[str, float]]
Groups = dict[str, Table]

_VERSIONED = ("human-mesh-zoo", "torch", "pytorch-lightning", "timm", "torchmetrics", "numpy", "smplx", "pycocotools")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class WeightsIdentity:
    """Which weights a result is about.

    Attributes:
        name: in `checkpoints.yaml`, or of the file.
        sha256: of the file that was loaded.
        overrides: options of the model that differ from those the weights were trained with.
    """

    name: str
    sha256: str
    overrides: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name with all overrides but those that results state by themselves."""
        stated = ("protocol", "root_depth")
        other = [f"{option}={value}" for option, value in flatten(self.overrides).items() if option not in stated]
        return f"{self.name} ({', '.join(other)})" if other else self.name


@dataclass(frozen=True)
class Result:
    """One complete evaluation of one set of weights. There are no optional fields.

    Attributes:
        protocol: id of the protocol.
        values: metric -> value, averaged by the protocol's rule, in the protocol's units.
        averages: way of averaging (`metrics.protocol.AVERAGINGS`) -> metric -> value; the way of the
            protocol, and others where the literature differs.
        samples: number of samples evaluated.
        groups: breakdown field -> group -> metric -> value; `n` is the group's number of samples.
        method: name of the method.
        weights: name of the weights in `checkpoints.yaml`, or the checkpoint file's name.
        weights_sha256: of the weights file.
        data: benchmark and split.
        data_fingerprint: of the evaluated data.
        root_depth: where predictions took the root's depth from, as in `Prediction.root_depth_source`; `given` is the
            label.
        config: configuration of the run.
        versions: package -> version, and `python`.
        device: hardware the evaluation ran on.
        precision: as Lightning names it, e.g. `32-true`.
        command: command line of the run.
        date: UTC, ISO 8601.

    Raises:
        ZooError: a field is empty, not finite or inconsistent with another; the message names it.
    """

    protocol: str
    values: dict[str, float]
    averages: Table
    samples: int
    groups: Groups
    method: str
    weights: str
    weights_sha256: str
    data: str
    data_fingerprint: str
    root_depth: str
    config: dict[str, Any]
    versions: dict[str, str]
    device: str
    precision: str
    command: str
    date: str

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not getattr(self, field.name) and field.name != "groups":
                raise ZooError(f"result: {field.name} is empty")
        if self.samples < 0:
            raise ZooError("result: samples must be positive")
        if self.protocol not in PROTOCOLS:
            raise ZooError(f"result: {unknown_name('protocol', self.protocol, PROTOCOLS)}")
        self._check_numbers(PROTOCOLS[self.protocol])
        if not _SHA256.fullmatch(self.weights_sha256):
            raise ZooError("result: weights_sha256 must be 64 hexadecimal digits")
        try:
            datetime.fromisoformat(self.date)
        except ValueError as error:
            raise ZooError(f"result: date {self.date!r} is not ISO 8601") from error

    def _check_numbers(self, protocol: Protocol) -> None:
        """All metrics and breakdowns of the protocol, no others, and only finite numbers."""
        _check_finite("values", self.values)
        for field, table in {"averages": self.averages, **{f"groups.{k}": v for k, v in self.groups.items()}}.items():
            for name, row in table.items():
                _check_finite(f"{field}.{name}", row)
        unknown = set(self.values) - set(protocol.metrics)
        if protocol.primary not in self.values or unknown:
            raise ZooError(
                f"result: values must be of {', '.join(protocol.metrics)}, the first one among them, "
                f"not {', '.join(self.values)}"
            )
        if self.averages.get(protocol.averaging) != self.values:
            raise ZooError(
                f"result: averages must hold the values under {protocol.averaging!r}, as the protocol averages"
            )
        if set(self.groups) != set(protocol.breakdown):
            raise ZooError(
                f"result: groups must be those of {self.protocol}: {', '.join(protocol.breakdown) or 'none'}"
            )
        if protocol.task is PeopleTask:  # their groups count people, not images
            return
        for table in self.groups.values():
            if sum(row.get("n", 0.0) for row in table.values()) != self.samples:
                raise ZooError(f"result: the groups' n do not add up to samples = {self.samples}")


def _check_finite(name: str, values: Mapping[str, float]) -> None:
    for key, value in values.items():
        if not math.isfinite(value):
            raise ZooError(f"result: {name}.{key} is {value!r}, not a finite number: the evaluation failed")


def make_result(
    protocol: str,
    values: Mapping[str, float],
    *,
    method: str,
    weights: str,
    weights_sha256: str,
    data: str,
    data_fingerprint: str,
    root_depth: str,
    config: Mapping[str, Any],
    device: str,
    precision: str,
    command: str,
) -> Result:
    """A result from the computed metrics; versions and date are filled in.

    Metrics that the protocol does not name are left out.

    Raises:
        ZooError: a field is missing or not finite.
    """
    if protocol not in PROTOCOLS:
        raise ZooError(f"result: {unknown_name('protocol', protocol, PROTOCOLS)}")
    definition = PROTOCOLS[protocol]

    def named(table: Table) -> Table:
        return {name: {k: v for k, v in row.items() if k in (*definition.metrics, "n")} for name, row in table.items()}

    averages = named({"overall": overall(values)})["overall"]
    samples = int(averages.pop("n", 0))
    return Result(
        protocol=protocol,
        values=averages,
        averages=named(groups(values, AVERAGE)) or {definition.averaging: dict(averages)},
        samples=samples,
        groups={field: named(groups(values, field)) for field in definition.breakdown},
        method=method,
        weights=weights,
        weights_sha256=weights_sha256,
        data=data,
        data_fingerprint=data_fingerprint,
        root_depth=root_depth,
        config=dict(config),
        versions=_versions(),
        device=device,
        precision=precision,
        command=command,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"  # a checkout on the path, without metadata
    return versions
