"""All commands in one parser, with the names that each takes: for completion; a command parses for itself alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import shtab

from lightning_modules import METHODS
from metrics.protocols import PROTOCOLS
from zoo.checkpoints.listing import list_models
from zoo.cli.dispatch import add_command_arguments
from zoo.documents.resources import list_configs
from zoo.documents.settings import setting_names


def _models() -> list[str]:
    return [*METHODS, *list_models()]


_NAMES: Mapping[tuple[str, str], Callable[[], list[str]]] = {
    **{(command, "name"): _models for command in ("info", "fetch", "export", "push")},
    **{(command, "model"): _models for command in ("demo", "predict")},
    **{(command, "weights"): _models for command in ("fit", "validate", "test")},
    **{(command, "config"): list_configs for command in ("fit", "validate", "test")},
    **{(command, "protocol"): lambda: list(PROTOCOLS) for command in ("protocols", "leaderboard", "data")},
    **{(command, "method"): lambda: list(METHODS) for command in ("convert", "reproduce")},
}


def whole_parser(commands: Mapping[str, str], lightning: Mapping[str, str]) -> argparse.ArgumentParser:
    """A parser for `zoo` whose sub-commands complete; it is not what parses them.

    Args:
        commands: the zoo's own, with a line on each.
        lightning: those that are LightningCLI's.
    """
    parser = argparse.ArgumentParser("zoo")
    parser.add_argument("--version", action="store_true", help="print the version")
    parts = parser.add_subparsers()
    for name, text in commands.items():
        add_command_arguments(name, parts.add_parser(name, help=text))
    for name, text in lightning.items():
        _add_lightning(parts.add_parser(name, help=text))
    for name, part in parts.choices.items():
        part.add_argument("--debug", action="store_true", help="show the traceback of an error")
        for action in part._actions:
            if (name, action.dest) in _NAMES:
                action.choices = _NAMES[name, action.dest]()
            elif action.choices is not None:
                action.choices = list(action.choices)  # shtab takes a mapping for sub-commands
            elif action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
    return parser


def _add_lightning(parser: argparse.ArgumentParser) -> None:
    from pytorch_lightning import Trainer

    from zoo.cli.lightning_arguments import add_zoo_options

    add_zoo_options(parser)
    parser.add_argument("--ckpt_path", type=Path, help="of zoo fit, or last")
    for option in ("--model.help", "--data.help", *(f"--trainer.{name}" for name in setting_names(Trainer))):
        parser.add_argument(option, help="see zoo fit --help")
