"""The page of the command line, from the parsers themselves."""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from unittest import mock

from zoo.cli.dispatch import COMMANDS, LIGHTNING, add_command_arguments


def command_line() -> str:
    """Every command with its options."""
    rows = "\n".join(f"| [`zoo {name}`](#zoo-{name}) | {text} |" for name, text in COMMANDS.items())
    rows += "\n" + "\n".join(
        f"| [`zoo {name}`](#training-and-evaluation) | {text} |" for name, text in LIGHTNING.items()
    )
    parts = [f"# Command line\n\n| command | |\n|---|---|\n{rows}\n"]
    parts.extend(_command(name) for name in COMMANDS)
    parts.append(
        "## Training and evaluation\n\n`zoo fit`, `zoo validate` and `zoo test` are LightningCLI: a configuration "
        "by name (`--config i2l_meshnet/open_tiny`) or by path, and every argument of the method (`--model.`), of the "
        "data (`--data.`) and of Lightning's trainer (`--trainer.`) can be overridden. `zoo fit --help` lists them, "
        "`zoo fit --model.help CLASS` and `zoo fit --data.help CLASS` those of one class with their choices.\n\n"
        "Exit status: 0 success, 1 a check that failed, 2 an error (one line), 130 Ctrl-C, 143 SIGTERM. `--debug` "
        "anywhere adds the traceback.\n"
    )
    return "\n".join(parts)


def _command(name: str) -> str:
    command = import_module(f"zoo.cli.commands.{name}")
    parser = argparse.ArgumentParser(prog=f"zoo {name}", description=command.__doc__)
    add_command_arguments(name, parser)
    with mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}):
        texts = [parser.format_help(), *_of_parts(parser)]
    blocks = "\n".join(f"```text\n{text.rstrip()}\n```" for text in texts)
    return f"## zoo {name}\n\n{blocks}\n"


def _of_parts(parser: argparse.ArgumentParser) -> list[str]:
    """Help of sub-commands such as `zoo data check`."""
    parts = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [part.format_help() for action in parts for part in action.choices.values()]
