"""Attacks on the cache of the open benchmark: whatever happens to its files, what is read is what was made."""

import contextlib
import io
import random
import shutil
import warnings
from pathlib import Path

import numpy as np

from datamodules.synthetic import checksums
from datamodules.synthetic.cache import Record, Split, encode_jpeg, encode_png, ensure
from datamodules.synthetic.cached_split import CachedSplit
from tests.attack.mutations import Attack, mutations


class _Quick(Split):
    """A split whose samples take no time."""

    def fingerprint(self) -> str:
        return "0" * 64

    def generator(self) -> None:
        """Nothing is rendered."""

    def record(self, generator: None, index: int) -> Record:
        rng = np.random.default_rng(index)
        labels = {"pose": rng.normal(size=(24, 3)).astype(np.float32), "action": np.asarray(0, np.int16)}
        image = rng.integers(0, 256, (16, 16, 3), np.uint8)
        return encode_jpeg(image), encode_png(image), labels


def caches(count: int, folder: Path) -> Attack:
    """Mutated, missing, swapped files and folders in their places."""
    split, root, rng = _Quick("test", 3, 16, 0), folder / "cache", random.Random(0)
    made = ensure(split, root, workers=1)
    whole = {path.name: path.read_bytes() for path in made.iterdir()}
    labels = CachedSplit(made).labels

    def attempt(name: str, content: bytes | None) -> None:
        (made / name).unlink()
        if content is None:
            (made / name).mkdir()
        else:
            (made / name).write_bytes(content)
        checksums._intact.clear()  # as a new process would
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # the progress bar
            warnings.simplefilter("ignore")
            found = CachedSplit(ensure(split, root, workers=1))
        if any((made / one).read_bytes() != whole[one] for one in checksums.FILES):
            raise AssertionError("other files")
        if any(not np.array_equal(found.labels[key], labels[key]) for key in labels):
            raise AssertionError("other labels")

    for number in range(count):
        name = rng.choice(sorted(whole))
        label, content = next(mutations(whole[name], 1, seed=number))
        yield f"{name}, {label}", lambda name=name, content=content: attempt(name, content)
    for name in whole:
        other = rng.choice(sorted(set(whole) - {name}))
        yield f"{name} is a folder", lambda name=name: attempt(name, None)
        yield f"{name} is {other}", lambda name=name, other=other: attempt(name, whole[other])
    shutil.rmtree(root)
