"""`python -m tests.attack.warm`: runs commands that need not import torch first, for `tests.attack.kill`.

Reads requests, a JSON list of words each (a module and its arguments), forks, writes the process's number, waits for an
empty line, and writes how the process ended. What is killed is then at work, and not at its imports.
"""

import atexit
import json
import os
import runpy
import signal
import sys

import pytorch_lightning  # noqa: F401 (what most commands import)
import torch

import zoo.checkpoints.hub
import zoo.cli.lightning_cli
import zoo.prediction.folder  # noqa: F401
from lightning_modules import METHODS, get_method

torch.set_num_threads(1)
for method in METHODS:
    get_method(method)


def next_command() -> list[str]:
    """Words of the command that this process shall be: a fork of the one that reads requests, which never returns."""
    while request := sys.stdin.readline():
        process = os.fork()
        if process == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            return list(json.loads(request))
        print(process, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
    sys.exit()


def run(words: list[str]) -> None:
    """Be that command, without the half second in which Python takes torch apart: a signal then says nothing."""
    sys.argv, status = words, 0
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    for number in (signal.SIGINT, signal.SIGTERM):  # as when a command began
        signal.signal(number, signal.SIG_DFL)
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    run(next_command())
