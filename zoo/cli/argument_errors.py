"""Errors of argument parsers in one line; jsonargparse lists every type that a value might have had."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, NoReturn

from body.choices import closest
from zoo.errors import ZooError

_OPTION = re.compile(
    r"(?:Option '([\w.]+)' is not accepted|does not accept option '([\w.]+)'|[Uu]nrecognized arguments: --([\w.]+))"
)
_CLASS = re.compile(r"class_path '([\w.]+)'")
_KEY = re.compile(r"Parser key \"([\w.]+)\"")
_VALUE = re.compile(r"Given value: (.*)")
_EXPECTED = re.compile(r"Expected an? (?:typing\.)?(.*)")


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line without the usage."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        raise ZooError(f"{message}; see {self.prog} --help")


def explain_arguments(message: str) -> str:
    """The setting that is wrong and, where that is known, what was meant."""
    key, option = _KEY.search(message), _OPTION.search(message)
    where = key[1].removesuffix(".init_args") if key else ""
    if option:
        name = next(group for group in option.groups() if group)
        hint = closest(name, _known(message, name))
        advice = f"did you mean {' or '.join(hint)}?" if hint else "zoo fit --help and the class's docstring list them"
        return f"{f'{where}: ' if where else ''}no setting {name!r}; {advice}"
    value, expected = _VALUE.search(message), [text.strip() for text in _EXPECTED.findall(message)]
    kinds = ", ".join(kind for kind in dict.fromkeys(expected) if kind != "<class 'NoneType'>")
    if key and value and kinds:
        return f"{where}: {value[1].strip()} is none of {kinds[:400]}"
    return " ".join(message.split())[:600]


def _known(message: str, name: str) -> list[str]:
    """Names of settings beside the one that a message is about."""
    found = _CLASS.search(message)
    if found is not None:
        return list(_names(found[1]))
    part = name.partition(".")[0]
    return [f"trainer.{one}" for one in _names("pytorch_lightning.Trainer")] if part == "trainer" else []


def _names(path: str) -> Iterable[str]:
    module, _, name = path.rpartition(".")
    try:
        parameters = inspect.signature(getattr(import_module(module), name), eval_str=True).parameters
    except (ImportError, AttributeError, ValueError, TypeError, NameError):
        return
    for one, parameter in parameters.items():
        yield one
        yield from _nested(one, parameter.annotation)


def _nested(name: str, annotation: Any) -> Iterable[str]:
    if isinstance(annotation, type) and is_dataclass(annotation):
        yield from (f"{name}.{field.name}" for field in fields(annotation))
