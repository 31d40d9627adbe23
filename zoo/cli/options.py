"""Options of a class or function as words of a command line: `layout=moon`, `subjects=[1, 5]`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from zoo.errors import ZooError


def parse_options(words: Sequence[str], target: Callable[..., Any], reserved: Sequence[str]) -> dict[str, Any]:
    """Keyword arguments for a class or function.

    Args:
        words: `NAME=VALUE`, the value written as in YAML.
        target: what they are for; a list becomes a tuple where its default is one.
        reserved: its parameters that have words of their own.

    Raises:
        ZooError: a word has no value, or names no parameter.
    """
    parameters = {name: one for name, one in inspect.signature(target).parameters.items() if name not in reserved}
    options = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in parameters:
            there = ", ".join(parameters) or "none"
            raise ZooError(f"{word!r} is not an option of the form NAME=VALUE; there are {there}")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ZooError(f"{word!r}: the value is no YAML") from None
        is_tuple = isinstance(parameters[name].default, tuple)
        options[name] = tuple(value) if is_tuple and isinstance(value, list) else value
    return options
