"""Classes by name: the project's own, and those that installed packages bring by entry points."""

from __future__ import annotations

import importlib.metadata
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import TypeVar

from body.choices import unknown_name
from body.extras import MissingExtra

_Class = TypeVar("_Class")


def with_installed(own: Mapping[str, str], group: str) -> dict[str, str]:
    """Dotted paths by name; imports nothing.

    Args:
        own: of the project; no package can replace one.
        group: of entry points such as `name = "package.module:Class"`.
    """
    named = dict(own)
    for point in importlib.metadata.entry_points(group=group):
        path = f"{point.module}.{point.attr}"
        if named.setdefault(point.name, path) != path:
            warnings.warn(f"{point.value} is ignored: there is another {point.name!r} in {group}", stacklevel=2)
    return named


def import_class(kind: str, name: str, named: Mapping[str, str], base: type[_Class]) -> type[_Class]:
    """The class of a name.

    Args:
        kind: of name, for messages, such as `method`.
        name: key of `named`.
        named: dotted paths.
        base: what it has to be a subclass of.

    Raises:
        KeyError: no such name; the message lists those there are.
        ValueError: it cannot be imported, or is no such class.
    """
    if name not in named:
        raise KeyError(unknown_name(kind, name, named))
    module, _, attribute = named[name].rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except MissingExtra as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # whatever a stranger's package raises
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{kind} {name!r} cannot be loaded, repair or uninstall {module}: {text}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(f"{kind} {name!r}: {named[name]} is no subclass of {base.__module__}.{base.__name__}")
    return found


def name_of(kind: type, named: Mapping[str, str]) -> str | None:
    """The name of a class that has been imported, also where its path leads to a re-export; None if it has none."""
    for name, path in named.items():
        module, _, attribute = path.rpartition(".")
        if getattr(sys.modules.get(module), attribute, None) is kind:
            return name
    return None
