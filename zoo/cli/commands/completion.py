"""Print the script that completes zoo's commands, options and names in a shell.

For bash, for instance: zoo completion bash > ~/.local/share/bash-completion/completions/zoo
"""

from __future__ import annotations

import argparse

import shtab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `zoo completion`."""
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from zoo.cli.dispatch import COMMANDS, LIGHTNING
    from zoo.cli.whole_parser import whole_parser

    print(shtab.complete(whole_parser(COMMANDS, LIGHTNING), arguments.shell))
    return 0
