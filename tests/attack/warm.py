"""`python -m tests.attack.warm`: runs commands that need not import torch first, for `tests.attack.kill`.

Reads requests, a JSON list of words each (a module and its arguments), forks, writes the process's number, waits for an
empty line, and writes how the process ended. What is killed is then at work, and not at its imports.
"""

import json
import os
import runpy
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


if __name__ == "__main__":
    sys.argv = next_command()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
