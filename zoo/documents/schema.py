"""From plain YAML or JSON values to frozen dataclasses, with every field checked against its annotation."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from typing import Any, Literal, TypeVar

from body.choices import unknown_name
from zoo.errors import ZooError

T = TypeVar("T")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What changes a terminal or the direction of text; line ends and tabs are fine."""


def parse_dataclass(kind: type[T], values: dict[str, Any], where: str) -> T:
    """A dataclass of `kind` from plain values.

    Fields may be `str`, `bool`, `int`, `float`, `X | None`, `Literal`, `tuple[X, ...]`, `dict[str, X]`, `Any` and other
    dataclasses; lists become tuples, and integers floats, where the annotation says so.

    Args:
        kind: the dataclass.
        values: by field name.
        where: start of error messages.

    Raises:
        ZooError: a field is missing, unknown or of the wrong type; the message names it.
    """
    fields = {f.name: f for f in dataclasses.fields(typing.cast("Any", kind))}
    hints = _hints(typing.cast("Any", kind))
    for name in values:
        if name not in fields:
            raise ZooError(f"{where}: {unknown_name('field', name, fields)}")
    for name, f in fields.items():
        if name not in values and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise ZooError(f"{where}: {name} is missing")
    return kind(**{name: _check(value, hints[name], f"{where}: {name}") for name, value in values.items()})


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """Types of the fields; Python compiles every annotation anew otherwise."""
    return typing.get_type_hints(kind)


def expect_mapping(value: Any, where: str) -> dict[str, Any]:
    """`value` when it is a mapping.

    Raises:
        ZooError: it is not.
    """
    if not isinstance(value, dict):
        raise ZooError(f"{where}: must be a mapping of fields, not {type(value).__name__}")
    return value


def _check(value: Any, hint: Any, where: str) -> Any:
    """`value` when it has the type `hint`; integers and lists are converted as declared."""
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
        return parse_dataclass(typing.cast("type[Any]", hint), expect_mapping(value, where), where)
    if hint is float and type(value) is int:
        return float(value)
    return value if hint is Any else _expect(value, hint, where)


def _expect(value: Any, kind: type[Any], where: str) -> Any:
    if type(value) is not kind:  # not isinstance: True is not a number
        raise ZooError(f"{where} must be {kind.__name__}, not {type(value).__name__} {value!r}")
    if kind is str and _CONTROL.search(value):
        raise ZooError(f"{where} holds control characters: {value!r}")
    if kind is float and not math.isfinite(value):
        raise ZooError(f"{where} is {value}, no finite number")
    return value
