"""Configurations as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
