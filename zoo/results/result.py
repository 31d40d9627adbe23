"""Measured results: one JSON file per complete evaluation, with everything needed to know what the numbers mean."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from body.atomic import atomic_file
from metrics import PROTOCOLS, Protocol, groups, overall
from metrics.report import AVERAGE
from metrics.tasks import PeopleTask
from zoo.errors import ZooError
from zoo.schema import build, mapping

MEASURED = Path(__file__).parent / "measured"
"""Results that ship with the package."""

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
        """The name with all overrides but the protocol, which does not change predictions."""
        other = [f"{option}={value}" for option, value in self.overrides.items() if option != "protocol"]
        return f"{self.name} ({', '.join(other)})" if other else self.name


@dataclass(frozen=True)
class Result:
    """One complete evaluation of one set of weights. There are no optional fields.

    Attributes:
        protocol: id of the protocol.
        values: metric -> value, averaged as the protocol says, in the protocol's units.
        averages: way of averaging (`metrics.protocol.AVERAGINGS`) -> metric -> value; the protocol's own way
            among them, and the others where the literature differs.
        samples: number of samples evaluated.
        groups: breakdown field -> group -> metric -> value; `n` is the group's number of samples.
        method: name of the method.
        weights: name of the weights in `checkpoints.yaml`, or the checkpoint file's name.
        weights_sha256: of the weights file.
        data: what was evaluated, in words.
        data_fingerprint: of the evaluated data.
        config: configuration of the run.
        versions: package -> version, and `python`.
        device: hardware the evaluation ran on.
        precision: as Lightning names it, e.g. `32-true`.
        command: what was typed.
        date: UTC, ISO 8601.

    Raises:
        ZooError: a field is empty, not finite or at odds with another; the message names it.
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
            raise ZooError(f"result: no protocol {self.protocol!r}; there are {', '.join(PROTOCOLS)}")
        self._check_numbers(PROTOCOLS[self.protocol])
        if not _SHA256.fullmatch(self.weights_sha256):
            raise ZooError("result: weights_sha256 must be 64 hexadecimal digits")
        try:
            datetime.fromisoformat(self.date)
        except ValueError as error:
            raise ZooError(f"result: date {self.date!r} is not ISO 8601") from error

    def _check_numbers(self, protocol: Protocol) -> None:
        """Everything the protocol names is there, nothing else, and all of it finite."""
        _check_finite("values", self.values)
        for field, table in {"averages": self.averages, **{f"groups.{k}": v for k, v in self.groups.items()}}.items():
            for name, row in table.items():
                _check_finite(f"{field}.{name}", row)
        strange = set(self.values) - set(protocol.metrics)
        if protocol.primary not in self.values or strange:
            raise ZooError(
                f"result: values must be of {', '.join(protocol.metrics)}, the first one among them, "
                f"not {', '.join(self.values)}"
            )
        if self.averages.get(protocol.averaging) != self.values:
            raise ZooError(f"result: averages must hold the values under {protocol.averaging!r}, as the protocol says")
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
    config: Mapping[str, Any],
    device: str,
    precision: str,
    command: str,
) -> Result:
    """A result from what the protocol's metric computed; versions and date are filled in.

    Numbers that the protocol does not name are left out.

    Raises:
        ZooError: something is missing or not finite.
    """
    if protocol not in PROTOCOLS:
        raise ZooError(f"result: no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    meant = PROTOCOLS[protocol]

    def named(table: Table) -> Table:
        return {name: {k: v for k, v in row.items() if k in (*meant.metrics, "n")} for name, row in table.items()}

    everything = overall(values)
    chosen = named({"all": everything})["all"]
    samples = int(chosen.pop("n", 0))
    return Result(
        protocol=protocol,
        values=chosen,
        averages=named(groups(values, AVERAGE)) or {meant.averaging: dict(chosen)},
        samples=samples,
        groups={field: named(groups(values, field)) for field in meant.breakdown},
        method=method,
        weights=weights,
        weights_sha256=weights_sha256,
        data=data,
        data_fingerprint=data_fingerprint,
        config=dict(config),
        versions=_versions(),
        device=device,
        precision=precision,
        command=command,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"  # a checkout on the path, without metadata
    return found


def results_folder() -> Path:
    """Where new results go: `$ZOO_RESULTS`, else `results` in the current folder."""
    return Path(os.environ.get("ZOO_RESULTS") or "results").expanduser()


def write_result(result: Result, folder: Path | None = None) -> Path:
    """Write a result as `PROTOCOL__WEIGHTS_DATE_CHECKSUM.json`; the file appears complete or not at all.

    Args:
        result: a complete result.
        folder: `results_folder()` when omitted.

    Raises:
        ZooError: the folder cannot be written, or the configuration holds something JSON has no word for.
    """
    try:
        text = json.dumps(dataclasses.asdict(result), indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ZooError(f"result: config must be plain finite values: {error}") from error
    stamp = re.sub(r"[^0-9T]", "", result.date[:19])
    name = re.sub(r"[^\w.-]", "_", result.weights)
    checksum = hashlib.sha256(text.encode()).hexdigest()[:8]  # two runs in one second do not meet
    path = (folder or results_folder()) / f"{result.protocol}__{name}_{stamp}_{checksum}.json"
    try:
        with atomic_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ZooError(f"cannot write {path}: {error.strerror}; set ZOO_RESULTS to a folder you may write") from error
    return path


def read_result(path: Path) -> Result:
    """Read and check a result file.

    Raises:
        ZooError: the file is missing, not JSON, or not a complete result; the message names the file and the field.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ZooError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ZooError(f"{path} is not JSON ({error}); delete it and run the evaluation again") from error
    try:
        return build(Result, mapping(document, "result"), "result")
    except ZooError as error:
        raise ZooError(f"{path}: {error}") from None


def read_results(folder: Path | None = None) -> list[Result]:
    """The results that ship with the package, then those of the user, each in order of file name.

    Only files named `PROTOCOL__*.json` are read, so that the folder may hold other things.

    Args:
        folder: the user's; `results_folder()` when omitted.

    Raises:
        ZooError: a file is broken.
    """
    roots = (MEASURED, folder or results_folder())
    paths = [path for root in roots for path in sorted(root.glob("*__*.json"))]
    return [read_result(path) for path in paths if path.name.split("__")[0] in PROTOCOLS]
