"""Configurations as plain values, and the ones that they are based on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.documents.resources import find_config
from zoo.documents.safe_yaml import read_yaml
from zoo.errors import ZooError

_DEPTH = 8


def read_config(path: Path, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A configuration file, with what it is based on filled in.

    `base: [a, b]` at its top names configurations as `--config` does, relative to `configs/`; later ones change earlier
    ones, and the file itself changes them all (see `merge`).

    Args:
        path: YAML file.
        below: the files that lead here; callers leave it out.

    Raises:
        ZooError: not YAML, not a mapping, a base that does not exist, or a circle of bases.
    """
    names, content = _read(path)
    merged: dict[str, Any] = {}
    for name in names:
        base = find_config(name).resolve()
        if base in below or base == path.resolve() or len(below) >= _DEPTH:
            raise ZooError(f"{path}: base {name} leads back to itself, or too deep")
        merged = merge(merged, read_config(base, (*below, path.resolve())))
    return merge(merged, content)


def base_names(path: Path) -> list[str]:
    """What a configuration file is based on, as it says.

    Raises:
        ZooError: see `read_config`.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Bases, and everything else."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ZooError(f"{path}: a configuration is a mapping with model, data and trainer")
    bases = content.pop("base", [])
    names = [bases] if isinstance(bases, str) else bases
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ZooError(f"{path}: base is a list of configurations such as _base/paper")
    return names, content


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes`: mappings are merged, everything else is replaced.

    A mapping with another `class_path` replaces the one in `base`, whose settings are those of another class.
    """
    merged = dict(base)
    for name, value in changes.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and _same_class(old, value):
            value = merge(old, value)
        merged[name] = value
    return merged


def _same_class(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return new.get("class_path", old.get("class_path")) == old.get("class_path")


def flatten(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested mappings as one, whose names have points: {"a": {"b": 1}} becomes {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flatten(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The other way round: {"a.b": 1} becomes {"a": {"b": 1}}."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        for part in reversed(name.split(".")):
            value = {part: value}
        nested = merge(nested, value)
    return nested
