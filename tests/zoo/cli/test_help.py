"""`--help` lists the values of every choice; no configuration says what its bases say already."""

import re
import typing
from dataclasses import is_dataclass
from importlib import import_module

import pytest
import yaml
from pytorch_lightning.cli import LightningArgumentParser

from body.choices import choices
from datamodules import BENCHMARKS
from lightning_modules import METHODS
from zoo.cli import main
from zoo.documents.configs import flatten, merge, read_config
from zoo.documents.resources import find_config, list_configs


def load(path):
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def choices_of(owner):
    """Values of all choices among the arguments of a class, those of nested settings included."""
    for hint in typing.get_type_hints(owner.__init__).values():
        for one in (hint, *typing.get_args(hint)):
            if is_dataclass(one):
                yield from choices_of(one)
        yield from (value for value in choices(hint) if value is not None)


@pytest.mark.parametrize("path", [*METHODS.values(), *BENCHMARKS.values()])
def test_help_lists_every_choice(path):
    parser = LightningArgumentParser()
    parser.add_class_arguments(load(path), "it")
    text = parser.format_help()
    assert all(re.search(rf"\b{re.escape(str(value))}\b", text) for value in choices_of(load(path)))


def test_there_are_choices_in_most():
    assert sum(1 for path in (*METHODS.values(), *BENCHMARKS.values()) if [*choices_of(load(path))]) >= 16


def test_help_of_a_method_needs_no_configuration(capsys):
    with pytest.raises(SystemExit) as end:
        main(["fit", "--model.help", METHODS["danet"]])
    assert end.value.code == 0
    assert "{paper,release}" in capsys.readouterr().out


@pytest.mark.parametrize("name", list_configs())
def test_a_configuration_says_nothing_that_its_bases_say(name):
    content = yaml.safe_load(find_config(name).read_text())
    bases = content.pop("base", [])
    base = {}
    for one in [bases] if isinstance(bases, str) else bases:
        base = merge(base, read_config(find_config(one)))
    same_class = {
        part for part in content if content[part].get("class_path") in (None, base.get(part, {}).get("class_path"))
    }
    before, own = flatten(base), flatten({part: content[part] for part in same_class})
    assert [key for key, value in own.items() if key in before and before[key] == value] == []
