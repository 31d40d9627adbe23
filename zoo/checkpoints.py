"""The list of weights there is: `checkpoints.yaml`, read into typed entries."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from zoo.errors import ZooError
from zoo.resources import resource

Availability = Literal["bundled", "hub", "official", "none"]


@dataclass(frozen=True)
class Source:
    """Where weights that are not bundled come from.

    Attributes:
        repo: Hub repository `user/name`.
        revision: commit of that repository.
        page: the authors' own page.
        reason: why there are none, or what getting them needs.
    """

    repo: str | None = None
    revision: str | None = None
    page: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Training:
    """How weights came to be.

    Attributes:
        config: bundled configuration, such as `i2l_meshnet/open_tiny`.
        command: what was typed.
        data: what it was trained on, in words.
        fingerprint: of the training data, where the data can be generated again.
        notes: hardware, duration and anything else that a reader needs in order to repeat it.
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
        body: `open`, `smpl` or `mano`.
        licences: see `Licences`.
        default: whether `zoo.load(method)` means this one.
        config: hyper-parameters of the module.
        file: file name of the weights.
        sha256: of that file.
        bytes: size of that file.
        parameters: number of trainable values in the module.
        source: where weights that are not bundled come from.
        training: how they came to be.
        requires: assets the user must have, such as `SMPL`.
        results: measured here, by protocol and metric.
        reported: by the authors, by protocol and metric.
    """

    name: str
    method: str
    summary: str
    availability: Availability
    inputs: str
    outputs: str
    body: Literal["open", "smpl", "mano"]
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
    results: dict[str, dict[str, float]] = field(default_factory=dict)
    reported: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name.startswith(f"{self.method}.") or self.name.count(".") != 1:
            raise ZooError(f"{self.name}: the name must be the method, a point and a tag, not {self.name!r}")
        needed: dict[str, tuple[str, ...]] = {
            "bundled": ("file", "sha256", "bytes", "parameters", "training"),
            "hub": ("file", "sha256", "bytes", "parameters", "source"),
            "official": ("source",),
            "none": ("source",),
        }
        for name in needed[self.availability]:
            if getattr(self, name) is None:
                raise ZooError(f"{self.name}: {name} is missing, which availability {self.availability!r} needs")


def parse_checkpoints(document: Any) -> dict[str, Checkpoint]:
    """Typed entries of a parsed `checkpoints.yaml`, in its order.

    Raises:
        ZooError: an entry or field is missing, unknown or of the wrong type, or a method has not exactly one default;
            the message names the entry and the field.
    """
    if not isinstance(document, dict):
        raise ZooError("checkpoints.yaml must be a mapping of entries")
    entries = {str(name): _build(Checkpoint, {"name": name, **_mapping(v, name)}, name) for name, v in document.items()}
    for method in {entry.method for entry in entries.values()}:
        defaults = [entry.name for entry in entries.values() if entry.method == method and entry.default]
        if len(defaults) != 1:
            raise ZooError(f"{method}: exactly one entry must say default: true, not {len(defaults)} {defaults}")
    return entries


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ZooError(f"{where}: must be a mapping of fields, not {type(value).__name__}")
    return value


def _build(kind: type[Any], values: dict[str, Any], where: str) -> Any:
    """A dataclass of `kind` from plain YAML values, every field checked against its annotation."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    for name in values:
        if name not in known:
            raise ZooError(f"{where}: unknown field {name!r}; there are {', '.join(known)}")
    for name, f in known.items():
        if name not in values and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise ZooError(f"{where}: {name} is missing")
    return kind(**{name: _check(value, hints[name], f"{where}: {name}") for name, value in values.items()})


def _check(value: Any, hint: Any, where: str) -> Any:
    """`value` when it has the type `hint`; numbers and lists are converted to what the field declares."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return None if value is None else _check(value, arguments[0], where)
    if origin is Literal:
        if value not in arguments:
            raise ZooError(f"{where} must be one of {', '.join(arguments)}, not {value!r}")
        return value
    if origin is tuple:
        return tuple(_check(item, arguments[0], where) for item in _expect(value, list, where))
    if origin is dict:
        return {str(k): _check(v, arguments[1], f"{where}.{k}") for k, v in _expect(value, dict, where).items()}
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast("type[Any]", hint), _mapping(value, where), where)
    if hint is float and type(value) is int:
        return float(value)
    return value if hint is Any else _expect(value, hint, where)


def _expect(value: Any, kind: type[Any], where: str) -> Any:
    if type(value) is not kind:  # not isinstance: True is no number here
        raise ZooError(f"{where} must be {kind.__name__}, not {type(value).__name__} {value!r}")
    return value


@cache
def _read(path: Path) -> dict[str, Checkpoint]:
    import yaml

    try:
        return parse_checkpoints(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ZooError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


def read_checkpoints() -> dict[str, Checkpoint]:
    """Every entry by name.

    Raises:
        ZooError: the file is missing or wrong.
    """
    return _read(resource("checkpoints.yaml"))


def get_checkpoint(name: str) -> Checkpoint:
    """The entry called `name`, or the default entry of the method called `name`.

    Raises:
        ZooError: there is neither; the message lists what there is.
    """
    entries = read_checkpoints()
    if name in entries:
        return entries[name]
    for entry in entries.values():
        if entry.method == name and entry.default:
            return entry
    raise ZooError(
        f"no model {name!r}; there are {', '.join(sorted({e.method for e in entries.values()} | {*entries}))}"
    )


def list_models() -> list[str]:
    """Names of all entries, such as `i2l_meshnet.open_tiny`."""
    return list(read_checkpoints())


def info(name: str) -> dict[str, Any]:
    """Everything `checkpoints.yaml` says about a model, as plain values.

    Args:
        name: a method or `method.tag`.

    Raises:
        ZooError: no such model.
    """
    return dataclasses.asdict(get_checkpoint(name))
