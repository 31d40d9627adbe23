"""`python -m tests.attack.kill [MOMENTS] [NAME...]`: commands killed at random moments leave nothing half-written.

Each command runs twice undisturbed; the second run says how long it takes. Then it is ended by SIGKILL, SIGINT or
SIGTERM after a random part of that time, again and again in the same folder, and every file of a final name is read
whole. At the end the same command finishes.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file

from datamodules.synthetic.checksums import find_damage
from tests.attack.commands import COMMANDS, Command, prepared

READERS = {
    ".json": lambda path: json.loads(path.read_bytes()),
    ".npz": lambda path: dict(np.load(path)),
    ".ckpt": lambda path: torch.load(path, weights_only=True),
    ".png": lambda path: Image.open(path).load(),
    ".safetensors": load_file,
}


def check(folder: Path) -> int:
    """Read every file that has a final name; how many there were."""
    paths = [p for p in folder.rglob("*") if not any(one.startswith(".") for one in p.relative_to(folder).parts)]
    files = [path for path in paths if path.suffix in READERS and path.is_file()]
    for path in files:
        READERS[path.suffix](path)
    for cache in (path.parent for path in paths if path.name == "facts.json"):
        damage = find_damage(cache, {})
        if damage:
            raise AssertionError(f"{cache}: {damage}")
    return len(files)


class Killer:
    """Runs one command in one folder.

    Args:
        command: what to run.
        root: where; empty at the beginning.
        inputs: what it reads.
        environment: what it needs.
    """

    def __init__(self, command: Command, root: Path, inputs: Path, environment: dict[str, str]) -> None:
        self.command, self.root, self.words = command, root, command.words_for(inputs)
        here = {"ZOO_CACHE": str(root / "cache"), "HF_HOME": str(root / "hf"), "PYTHONPATH": str(Path.cwd())}
        self.errors = (root / ".errors").open("w+")
        self.warm = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.warm"],
            cwd=root, env=os.environ | environment | here, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(root / ".errors").open("a"),
        )  # fmt: skip
        self.files, self.tracebacks = 0, 0

    def _ask(self, request: str) -> int:
        """What the process with the modules answers to a line."""
        assert self.warm.stdin is not None
        assert self.warm.stdout is not None
        print(request, file=self.warm.stdin, flush=True)
        if not select.select([self.warm.stdout], [], [], 1800)[0]:
            raise TimeoutError(f"{self.words} hangs")
        return int(self.warm.stdout.readline())

    def run(self, seconds: float | None = None, number: signal.Signals = signal.SIGKILL) -> int:
        """Exit status; ended by a signal after some seconds, if they are given."""
        process = self._ask(json.dumps(self.words))
        if seconds is not None:
            time.sleep(seconds)
            os.kill(process, number)  # it may have ended, and keeps its number until it is waited for
        status = self._ask("")
        error = (self.root / ".errors").read_text(errors="replace")
        self.errors.truncate(0)
        if "Traceback" in error:
            self.tracebacks += 1
            print(error[-2000:])
        self.files += check(self.root)
        return status

    def attack(self, moments: int, rng: random.Random) -> tuple[list[int], bool]:
        """Statuses of the killed runs and, last, of one that is left alone; and whether all is as it should be."""
        good = self.run() == 0
        self.command.undo(self.root)
        start = time.monotonic()
        good &= self.run() == 0
        duration, whole = time.monotonic() - start, self.command.made(self.root)
        self.command.undo(self.root)
        statuses = []
        for moment in range(moments):
            number = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[moment % 3]
            statuses.append(self.run(rng.uniform(0.05, 1.05) * duration, number))
            if self.command.whole_or_not:
                good &= self.command.made(self.root) in (0, whole)
            if statuses[-1] == 0 or self.command.whole_or_not:
                self.command.undo(self.root)
        statuses.append(self.run())
        complete = whole > 0 and self.command.made(self.root) >= whole
        self.warm.communicate()
        return statuses, good and complete and statuses[-1] == 0 and not self.tracebacks


def main() -> int:
    moments, names = int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2:] or list(COMMANDS)
    rng, failed = random.Random(0), 0
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a background job of a shell ignores it, and so do its children
    with tempfile.TemporaryDirectory() as inputs, prepared(Path(inputs)) as environment:
        for number, name in enumerate(names):
            share = moments // len(names) + (number < moments % len(names))
            with tempfile.TemporaryDirectory() as root:
                killer = Killer(COMMANDS[name], Path(root), Path(inputs), environment)
                statuses, good = killer.attack(share, rng)
            print(
                f"{name}: {'survived' if good else 'FAILED'}; {share} moments, ended with {statuses[:-1]}, "
                f"{killer.files} files read whole, then {statuses[-1]}",
                flush=True,
            )
            failed += not good
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
