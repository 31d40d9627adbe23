"""The list of all weights, `checkpoints.yaml`, read into typed entries."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from body.choices import closest, unknown_name
from zoo.checkpoints.backbones import PREFIX
from zoo.checkpoints.entry import Checkpoint
from zoo.documents.resources import resource_path
from zoo.documents.schema import expect_mapping, parse_dataclass
from zoo.errors import ZooError, one_line


def parse_checkpoints(document: Any) -> dict[str, Checkpoint]:
    """Typed entries of a parsed `checkpoints.yaml`, in its order; those of backbones alone are in `backbones`.

    Raises:
        ZooError: an entry or field is missing, unknown or of the wrong type, or a method has not exactly one default;
            the message names the entry and the field.
    """
    if not isinstance(document, dict):
        raise ZooError("checkpoints.yaml must be a mapping of entries")
    entries = {
        str(name): parse_dataclass(Checkpoint, {"name": name, **expect_mapping(v, name)}, name)
        for name, v in document.items()
        if not str(name).startswith(PREFIX)
    }
    for method in {entry.method for entry in entries.values()}:
        defaults = [entry.name for entry in entries.values() if entry.method == method and entry.default]
        if len(defaults) != 1:
            raise ZooError(f"{method}: exactly one entry must say default: true, not {len(defaults)} {defaults}")
    return entries


@cache
def _read_listing(path: Path) -> dict[str, Checkpoint]:
    import yaml

    try:
        return parse_checkpoints(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ZooError(f"{path} is not valid YAML: {one_line(error)}") from error


def read_checkpoints() -> dict[str, Checkpoint]:
    """Every entry by name.

    Raises:
        ZooError: the file is missing or wrong.
    """
    return _read_listing(resource_path("checkpoints.yaml"))


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
    methods = sorted({entry.method for entry in entries.values()})
    names = [*methods, *entries]
    choices = names if closest(name, names) or "." in name else methods
    raise ZooError(unknown_name("model", name, choices) + " (zoo list shows all)")


def list_models() -> list[str]:
    """Names of all entries, such as `i2l_meshnet.open_tiny`."""
    return list(read_checkpoints())
