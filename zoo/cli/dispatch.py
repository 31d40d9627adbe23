"""The `zoo` command: a file per subcommand in `zoo/cli/commands`, Lightning's own for training and evaluation."""

from __future__ import annotations

import argparse
import io
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from body.choices import unknown_name
from zoo.cli.argument_errors import OneLineParser
from zoo.cli.boundary import run_bounded
from zoo.cli.json_output import WITHOUT, add_json, json_alone
from zoo.documents.resources import VERSION
from zoo.errors import ZooError

COMMANDS = {
    "demo": "evaluate the bundled model on the open benchmark and draw predictions",
    "predict": "3D pose and mesh of the people in images and folders",
    "app": "the same in the browser: drop a picture or a clip",
    "list": "available models",
    "info": "everything about one model",
    "fetch": "download weights, or learn where the authors publish them",
    "convert": "convert an authors' weight file",
    "package": "from a checkpoint of zoo fit to a weights file",
    "export": "a model for ONNX Runtime, torch.export or OpenVINO, checked against PyTorch",
    "push": "publish weights on the Hugging Face Hub",
    "data": "data check NAME: is a benchmark complete; data prepare NAME: extract its images",
    "body": "body convert FILE: an SMPL or MANO pickle becomes npz",
    "protocols": "definitions of the evaluation protocols",
    "baseline": "the mean pose on the open benchmark",
    "leaderboard": "results by protocol, reported and measured",
    "reproduce": "every row of a paper's tables: its commands, what they need, reported beside measured",
    "new": "new method|datamodule NAME: a package to start from",
    "doctor": "what works on this machine, and how to fix the rest",
    "completion": "completion bash|zsh|...: the script that completes commands and names in a shell",
}
LIGHTNING = {
    "fit": "train: zoo fit --config i2l_meshnet/open_tiny",
    "validate": "evaluate on the validation split",
    "test": "evaluate on the test split and store the result",
}


def _usage() -> str:
    rows = "\n".join(f"  {name:<12} {text}" for name, text in {**COMMANDS, **LIGHTNING}.items())
    return (
        "usage: zoo COMMAND [options]\n\n"
        f"Open model zoo for monocular 3D human pose and mesh, version {VERSION}.\n\n{rows}\n\n"
        "zoo COMMAND --help explains one; zoo fit --help lists every option of Lightning's trainer."
        "\nzoo predict --config ... predicts a datamodule through Lightning instead of image files."
        "\nWith --debug, anywhere in a command, an error comes with its traceback."
    )


def add_command_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """Everything that a command of the zoo's own takes.

    Args:
        name: a key of `COMMANDS`.
        parser: that its options are added to.
    """
    import_module(f"zoo.cli.commands.{name}").add_arguments(parser)
    if name not in WITHOUT:
        add_json(parser)


def _is_lightning(argv: Sequence[str]) -> bool:
    configured = any(word in ("-c", "--config") or word.startswith("--config=") for word in argv)
    return argv[0] in LIGHTNING or (argv[0] == "predict" and configured)


def _run(argv: Sequence[str]) -> int:
    if _is_lightning(argv):
        return int(import_module("zoo.cli.lightning_cli").main(argv))
    if argv[0] not in COMMANDS:
        raise ZooError(unknown_name("command", argv[0], {**COMMANDS, **LIGHTNING}))
    command = import_module(f"zoo.cli.commands.{argv[0]}")
    parser = OneLineParser(prog=f"zoo {argv[0]}", description=command.__doc__)
    add_command_arguments(argv[0], parser)
    arguments = parser.parse_args(argv[1:])
    with json_alone(getattr(arguments, "json", False)):
        return int(command.run(arguments))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 success, 1 failed check, 2 any error, 130 Ctrl-C, 143 SIGTERM.

    Args:
        argv: arguments after `zoo`; those of the process when omitted.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0
    if argv[0] == "--version":
        print(VERSION)
        return 0
    for category in (UserWarning, FutureWarning):  # Lightning's advice, and what it uses of torch that is deprecated
        warnings.filterwarnings("ignore", category=category, module="pytorch_lightning|lightning_fabric|jsonargparse")
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names need not be text
        sys.stdout.reconfigure(errors="backslashreplace")
    debug = "--debug" in argv
    return run_bounded(lambda: _run([word for word in argv if word != "--debug"]), debug)


if __name__ == "__main__":
    sys.exit(main())
