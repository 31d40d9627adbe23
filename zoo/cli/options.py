"""Arguments of a class or function as `NAME=VALUE` on a command line: `layout=3dmppe`, `subjects=[1, 5]`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from body.choices import closest
from zoo.documents.safe_yaml import parse_yaml
from zoo.errors import ZooError


def parse_options(arguments: Sequence[str], target: Callable[..., Any], reserved: Sequence[str]) -> dict[str, Any]:
    """Keyword arguments for a class or function.

    Args:
        arguments: `NAME=VALUE`, the value in YAML.
        target: to be called with them; a list becomes a tuple where the default is one.
        reserved: parameters that have separate options.

    Raises:
        ZooError: not of this form, or no such parameter.
    """
    parameters = {name: one for name, one in inspect.signature(target).parameters.items() if name not in reserved}
    options = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or name not in parameters:
            near = closest(name, parameters)
            advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(parameters) or 'none'}"
            raise ZooError(f"{argument!r} is not an option of the form NAME=VALUE; {advice}")
        try:
            value = parse_yaml(text, name)
        except yaml.YAMLError:
            raise ZooError(f"{argument!r}: the value is not YAML") from None
        is_tuple = isinstance(parameters[name].default, tuple)
        options[name] = tuple(value) if is_tuple and isinstance(value, list) else value
    return options
