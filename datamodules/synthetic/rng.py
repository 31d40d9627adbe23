"""Random streams: sample i of a split is the same whatever is made before it, beside it, or by how many workers."""

from __future__ import annotations

import numpy as np

VERSION = "open-v1"
"""Name of the benchmark; changes whenever a pixel or label of it would change on purpose."""

SPLITS: dict[str, int] = {"train": 0, "val": 1, "test": 2}
_STREAMS: dict[str, int] = {
    "person": 0,
    "camera": 1,
    "props": 2,
    "clothes": 3,
    "background": 4,
    "light": 5,
    "sensor": 6,
}


def stream(seed: int, split: str, index: int, purpose: str) -> np.random.Generator:
    """The generator that draws one aspect of one sample; aspects do not disturb each other.

    Raises:
        ValueError: `split` is not train, val or test, or a number is negative.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    if seed < 0 or index < 0:
        raise ValueError(f"seed {seed} and index {index} must not be negative")
    key = (SPLITS[split], index, _STREAMS[purpose])
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
