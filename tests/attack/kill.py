"""`python -m tests.attack.kill [MOMENTS]`: commands killed at random moments leave nothing half-written behind.

Each command is ended by SIGKILL, SIGTERM or SIGINT after a random time; then every file of a final name is read whole.
At the end the same command finishes.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

TRAIN = ["--trainer.accelerator", "cpu", "--data.generator_workers", "1", "--data.num_workers", "0"]
SMALL = [*TRAIN, "--data.train_samples", "16", "--data.val_samples", "4", "--data.batch_size", "4"]
COMMANDS = {
    "fit": [
        "fit",
        "--config",
        "hemlets/open_tiny",
        *SMALL,
        "--trainer.max_steps",
        "12",
        "--trainer.precision",
        "32-true",
    ],
    "predict": ["predict", "photos", "--whole", "--out", "out", "--model", "hemlets"],
}


def check(folder: Path) -> int:
    """Read every file that has a final name; how many there were."""
    read = {
        ".json": lambda path: json.loads(path.read_bytes()),
        ".npz": lambda path: dict(np.load(path)),
        ".ckpt": lambda path: torch.load(path, weights_only=True),
        ".png": lambda path: Image.open(path).load(),
    }
    files = [p for p in folder.rglob("*") if p.suffix in read and not any(one.startswith(".") for one in p.parts[1:])]
    for path in files:
        read[path.suffix](path)
    return len(files)


def main() -> int:
    moments, rng = int(sys.argv[1]) if len(sys.argv) > 1 else 50, random.Random(0)
    failed = 0
    for name, command in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "photos").mkdir()
            for number in range(6):
                noise = np.random.default_rng(number).integers(0, 256, (120, 90, 3), np.uint8)
                Image.fromarray(noise).save(root / f"photos/{number}.jpg")
            options = {"cwd": root, "env": {**os.environ, "ZOO_CACHE": str(root / "cache")}, "stderr": subprocess.PIPE}
            statuses, files = [], 0
            for moment in range(moments // len(COMMANDS)):
                run = subprocess.Popen([sys.executable, "-m", "zoo", *command], stdout=subprocess.DEVNULL, **options)
                time.sleep(rng.uniform(1, 20))
                run.send_signal((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[moment % 3])
                _, error = run.communicate(timeout=120)
                statuses.append(run.returncode)
                failed += b"Traceback" in error
                files += check(root)
            again = subprocess.run(
                [sys.executable, "-m", "zoo", *command], stdout=subprocess.DEVNULL, check=False, **options
            )
            files += check(root)
            failed += again.returncode != 0
            print(f"{name}: ended with {statuses}, {files} files read whole, then {again.returncode}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
