"""Errors of argument parsers in one line; jsonargparse lists every type that a value might have had."""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from typing import NoReturn

from body.choices import closest, unknown_name
from datamodules import BENCHMARKS
from lightning_modules import METHODS
from zoo.documents.settings import setting_names
from zoo.errors import ZooError

_OPTION = re.compile(
    r"(?:Option '([\w.]+)' is not accepted|does not accept option '([\w.]+)'|[Uu]nrecognized arguments: --([\w.]+))"
)
_CLASS = re.compile(r"class_path '([\w.]+)'")
_NO_CLASS = re.compile(r"class_path '([\w.]+)':\s+module '[\w.]+' has no|Expected a dot import path string: (\w+)")
_CHOICE = re.compile(r"argument (?:[^:]+): invalid choice: '([^']*)' \(choose from (.*)\)")
_OPEN = ("datamodules.synthetic.SyntheticDataModule", "datamodules.open_v2.datamodule.OpenV2DataModule")
_KEY = re.compile(r"Parser key \"([\w.]+)\"")
_VALUE = re.compile(r"Given value: (.*)")
_NESTED = re.compile(r"NestedArg\(key='([\w.]+)', val='([^']*)'\)")
_LITERAL = re.compile(r"Expected an? (?:typing\.)?Literal\[(.*?)\]")
_WORD = r"'([^']*)'"
_EXPECTED = re.compile(r"Expected an? (?:typing\.)?(.*)")


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line without the usage."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong and, where a word is nearly right, what was meant."""
        choice, option = _CHOICE.search(message), re.search(r"unrecognized arguments: (-[^ =]+)", message)
        near: list[str] = []
        if choice:
            near = closest(choice[1], [word.strip(" '") for word in choice[2].split(",")])
        elif option:
            near = closest(option[1], self._option_string_actions)
        advice = f"did you mean {' or '.join(near)}?" if near else f"see {self.prog} --help"
        raise ZooError(f"{message}; {advice}")


def explain_arguments(message: str) -> str:
    """The setting that is wrong and, where that is known, what was meant."""
    key, option = _KEY.search(message), _OPTION.search(message)
    where = key[1].removesuffix(".init_args") if key else ""
    if option:
        name = next(group for group in option.groups() if group)
        hint = closest(name, _known(message, name))
        advice = f"did you mean {' or '.join(hint)}?" if hint else "zoo fit --help and the class's docstring list them"
        return f"{f'{where}: ' if where else ''}no setting {name!r}; {advice}"
    unknown = _NO_CLASS.search(message)
    if key and unknown:
        return f"{where}: {_unknown_class(where, unknown[1] or unknown[2])}"
    value, expected = _VALUE.search(message), [text.strip() for text in _EXPECTED.findall(message)]
    kinds = ", ".join(kind for kind in dict.fromkeys(expected) if kind != "<class 'NoneType'>")
    nested, literal = _NESTED.search(message), _LITERAL.search(message)
    if key and nested and literal:
        return f"{where}: {unknown_name(nested[1], nested[2], re.findall(_WORD, literal[1]))}"
    if key and value and kinds:
        return f"{where}: {value[1].strip()} is none of {kinds[:400]}"
    return " ".join(message.split())[:600]


def _known(message: str, name: str) -> list[str]:
    """Names of settings beside the one that a message is about."""
    found = _CLASS.search(message)
    if found is not None:
        return setting_names(_imported(found[1]))
    if name.partition(".")[0] == "trainer":
        return [f"trainer.{one}" for one in setting_names(_imported("pytorch_lightning.Trainer"))]
    return []


def _imported(path: str) -> object:
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name, None)
    except ImportError:
        return None


def _unknown_class(where: str, name: str) -> str:
    """Which class was meant, as it has to be written."""
    own = {"model": METHODS.values(), "data": [*BENCHMARKS.values(), *_OPEN]}
    package = f"pytorch_lightning.{where.removeprefix('trainer.')}"
    paths = own.get(where) or [f"{package}.{one}" for one in getattr(_imported(package), "__all__", ())]
    by_name = {path.rpartition(".")[2]: path for path in paths}
    near = closest(name.rpartition(".")[2], by_name)
    advice = f"did you mean {' or '.join(by_name[one] for one in near)}?" if near else "give its dotted path"
    return f"no class {name!r}; {advice}"
