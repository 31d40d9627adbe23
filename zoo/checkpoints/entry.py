"""One entry of `checkpoints.yaml`, typed: what the weights are, where they come from, and how they were made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from zoo.errors import ZooError

Availability = Literal["bundled", "hub", "official", "none"]


@dataclass(frozen=True)
class Source:
    """Where weights that are not bundled come from, or why there are none.

    Attributes:
        repo: Hub repository `user/name`.
        revision: its commit, 40 hexadecimal digits; a branch could move.
        page: the authors' own page.
        file: name of the authors' file.
        sha256: of the authors' file, where it is known.
        reason: why there are none, or what getting them needs.
        date: when `reason` was checked, `YYYY-MM-DD`.
    """

    repo: str | None = None
    revision: str | None = None
    page: str | None = None
    file: str | None = None
    sha256: str | None = None
    reason: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Training:
    """How weights came to be.

    Attributes:
        config: bundled configuration, such as `i2l_meshnet/open_tiny`; `zoo test --weights NAME` takes it.
        command: command line of the training.
        data: what it was trained on, in words.
        fingerprint: of the training data, where the data can be generated again.
        notes: hardware, duration and whatever else is needed to repeat it.
    """

    data: str
    config: str | None = None
    command: str | None = None
    fingerprint: str | None = None
    notes: str | None = None


@dataclass(frozen=True)
class Licences:
    """Licences of the weights and of the data they were trained on, and whether we may pass the weights on."""

    weights: str
    data: str
    redistributable: bool


@dataclass(frozen=True)
class Checkpoint:
    """One entry of `checkpoints.yaml`.

    Attributes:
        name: `method.tag`, such as `i2l_meshnet.open_tiny`.
        method: key of `lightning_modules.METHODS`.
        summary: one line for `zoo list`.
        availability: `bundled` with the package, on the `hub`, from the authors only (`official`), or `none`.
        inputs: what the network takes.
        outputs: what it gives.
        body: `open`, `smpl`, `mano`, or `none` for a method of joints alone.
        licences: see `Licences`.
        default: whether `zoo.load(method)` means this one.
        config: hyper-parameters of the module, for weights without a file; a file states its own in its metadata.
        file: file name of the weights: in the package, or inside the Hub repository.
        sha256: of that file.
        bytes: size of that file.
        parameters: number of trainable values in the module.
        source: where weights that are not bundled come from.
        training: how they came to be.
        requires: assets the user must have, such as `SMPL`; names of `zoo.environment.assets`.
        golden: file in `tests/golden` with outputs of the authors' network of this architecture.
        results: measured here, by protocol and metric; without the true root depth.
        reported: by the authors, by protocol and metric.
    """

    name: str
    method: str
    summary: str
    availability: Availability
    inputs: str
    outputs: str
    body: Literal["open", "smpl", "mano", "none"]
    licences: Licences
    default: bool = False
    config: dict[str, Any] = field(default_factory=dict)
    file: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    parameters: int | None = None
    source: Source | None = None
    training: Training | None = None
    requires: tuple[str, ...] = ()
    golden: str | None = None
    results: dict[str, dict[str, float]] = field(default_factory=dict)
    reported: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.startswith(f"{self.method}.") or self.name.count(".") != 1:
            raise ZooError(f"{self.name}: the name must be the method, a point and a tag, not {self.name!r}")
        for name in _REQUIRED_FIELDS[self.availability]:
            owner, _, part = name.rpartition(".")
            if getattr(self.source if owner else self, part, None) is None:
                raise ZooError(f"{self.name}: {name} is missing, which availability {self.availability!r} needs")
        for name, value, pattern in self._patterns():
            if value is not None and not re.fullmatch(pattern, value):
                raise ZooError(f"{self.name}: {name} {value!r} is not of the form {pattern}")

    def _patterns(self) -> list[tuple[str, str | None, str]]:
        """Fields of a fixed form: name, value, regular expression."""
        source = self.source or Source()
        return [
            ("sha256", self.sha256, "[0-9a-f]{64}"),
            ("source.sha256", source.sha256, "[0-9a-f]{64}"),
            ("source.revision", source.revision, "[0-9a-f]{40}"),
            ("source.repo", source.repo, r"[\w.-]+/[\w.-]+"),
            ("source.date", source.date, r"\d{4}-\d{2}-\d{2}"),
        ]


_REQUIRED_FIELDS: dict[str, tuple[str, ...]] = {
    "bundled": ("file", "sha256", "bytes", "parameters", "training"),
    "hub": ("file", "sha256", "bytes", "parameters", "source.repo", "source.revision"),
    "official": ("source.page", "source.file", "source.reason"),
    "none": ("source.reason", "source.date"),
}
