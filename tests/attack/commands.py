"""Commands that are killed, and what they need: photographs, a release to convert, a Hub."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.attack.mutations import WEIGHTS
from tests.distributed_files import write_body
from tests.zoo.hub_server import Hub, Repo
from tests.zoo.official_files import release

_RUN = ("--trainer.accelerator", "cpu", "--trainer.precision", "32-true", "--data.num_workers", "0")
_TINY = ("--config", "hemlets/open_tiny", *_RUN, "--data.batch_size", "4", "--data.generator_workers")


@dataclass(frozen=True)
class Command:
    """A command line of Python.

    Attributes:
        words: after `python -m`; `{inputs}` is the folder of what it reads.
        makes: patterns of the files it makes, below the folder it runs in.
        whole_or_not: all these files appear at once.
    """

    words: tuple[str, ...]
    makes: tuple[str, ...]
    whole_or_not: bool = False

    def words_for(self, inputs: Path) -> list[str]:
        """The words with the folder filled in."""
        return [word.replace("{inputs}", str(inputs)) for word in self.words]

    def made(self, root: Path) -> int:
        """How many of the files are there."""
        return sum(len([path for path in root.glob(pattern) if path.is_file()]) for pattern in self.makes)

    def undo(self, root: Path) -> None:
        """Remove what was made, hidden leftovers apart."""
        for pattern in self.makes:
            shutil.rmtree(root / pattern.split("/")[0], ignore_errors=True)


COMMANDS = {
    "new": Command(("zoo", "new", "method", "lab_net"), ("lab_net/*",), whole_or_not=True),
    "convert": Command(
        ("tests.attack.released", "{inputs}", "convert", "i2l_meshnet", "{inputs}/snapshot_7.pth.tar"),
        ("cache/converted/*",),
    ),
    "body": Command(("zoo", "body", "convert", "{inputs}/SMPL_NEUTRAL.pkl", "--out", "bodies/a.npz"), ("bodies/*",)),
    "fetch": Command(
        ("zoo", "predict", "{inputs}/photos/0.jpg", "--whole", "--model", "lab/net", "--formats", "json"),
        ("prediction/*.json", "hf/hub/*/snapshots/*/*"),
    ),
    "predict": Command(
        ("zoo", "predict", "{inputs}/photos", "--whole", "--out", "out", "--model", "hemlets.open_tiny"), ("out/*",)
    ),
    "generate": Command(
        ("zoo", "validate", *_TINY, "2", "--data.val_samples", "64"),
        ("cache/synthetic/*/*",),
    ),
    "test": Command(("zoo", "test", *_TINY, "1", "--data.test_samples", "8"), ("cache/synthetic/*/*",)),
    "fit": Command(
        ("zoo", "fit", *_TINY, "1", "--data.train_samples", "8", "--data.val_samples", "4", "--trainer.max_steps", "6"),
        ("outputs/*/*/checkpoints/*.ckpt",),
    ),
}


@contextmanager
def prepared(inputs: Path) -> Iterator[dict[str, str]]:
    """Write what the commands read into a folder, and open a Hub; the environment that they need."""
    (inputs / "photos").mkdir()
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (120, 90, 3), np.uint8)
        Image.fromarray(noise).save(inputs / f"photos/{number}.jpg")
    with pytest.MonkeyPatch.context() as patch:
        release(inputs, patch)
        write_body(inputs / "SMPL_NEUTRAL.pkl", patch, 24, 6890)
    weights, hub = WEIGHTS.read_bytes(), Hub()
    config = json.dumps({"sha256": hashlib.sha256(weights).hexdigest()}).encode()
    hub.repos["lab/net"] = Repo()
    hub.repos["lab/net"].commit({"model.safetensors": weights, "config.json": config})
    hub.before = lambda path: time.sleep(0.3)  # so that some are killed in a transfer
    try:
        yield {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "ZOO_ASSETS": str(inputs / "assets")}
    finally:
        hub.close()
