"""Modules from flat settings: a setting has one name, which tells the group of the module's settings it belongs to."""

import dataclasses
import typing
from importlib import import_module

from zoo.documents.configs import flatten, read_config
from zoo.documents.resources import find_config


def configs_of(kind):
    """Dataclasses that a module's constructor takes, by the name of the argument."""
    hints = typing.get_type_hints(kind.__init__)
    return {name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint)}


def group(kind, settings):
    """Arguments of a module's constructor, with the fields of each dataclass in a dictionary of their own."""
    arguments = dict(settings)
    for name, config in configs_of(kind).items():
        own = [field.name for field in dataclasses.fields(config) if field.name in arguments]
        arguments[name] = {field: arguments.pop(field) for field in own}
    return arguments


def make(kind, **settings):
    """A module of a class."""
    configs = configs_of(kind)
    arguments = group(kind, settings)
    return kind(**{name: configs[name](**value) if name in configs else value for name, value in arguments.items()})


def typed(config, settings):
    """Options of the command line for the model of a bundled configuration."""
    module, _, name = read_config(find_config(config))["model"]["class_path"].rpartition(".")
    grouped = group(getattr(import_module(module), name), settings)
    return [f"--model.{option}={value}" for option, value in flatten(grouped).items()]
