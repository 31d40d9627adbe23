"""Samples of `open-v2` as raw samples: cached foregrounds before new backgrounds, and the pictures that ship."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Shaped, UInt8

from datamodules.open_v2.backgrounds.views import BackgroundBank, draw_background, load_backgrounds, match
from datamodules.open_v2.generator import composite
from datamodules.open_v2.scene.shots import VERSION
from datamodules.open_v2.sensor import expose
from datamodules.synthetic.checksums import FILES, find_damage
from datamodules.synthetic.dataset import SyntheticSource

SHIPPED = Path(__file__).parent / "test"
"""The test split: 600 finished pictures and their labels."""


class PhotoSource(SyntheticSource):
    """A rendered split. Every visit of a training sample takes another picture of it; of other splits the same.

    Args:
        folder: its cache.
        split: its name.
        backgrounds: the packed pictures to put behind people.
    """

    version = VERSION

    def __init__(self, folder: Path, split: str, backgrounds: Path) -> None:
        super().__init__(folder, split)
        self._backgrounds = backgrounds

    def __reduce__(self) -> tuple[Any, ...]:
        """See `SyntheticSource`."""
        return type(self), (self._folder, self._split, self._backgrounds)

    def image(self, index: int) -> UInt8[np.ndarray, "size size 3"]:
        """A photograph, RGB."""
        seed = int(self._cache.labels["background_seed"][index])
        if self._split == "train":  # torch's generator differs between workers and epochs, numpy's would not
            seed = int(torch.randint(2**62, ()))
        return take_picture(self.foreground(index), self._bank, np.random.Generator(np.random.PCG64(seed)))

    def foreground(self, index: int) -> UInt8[np.ndarray, "size size 4"]:
        """Premultiplied RGB and coverage."""
        coverage = self._cache.surface(index)[..., 3:]
        return np.concatenate([np.minimum(self._cache.image(index), coverage), coverage], -1)

    def surface(self, index: int) -> UInt8[np.ndarray, "size size 3"]:
        """The IUV map."""
        return self._cache.surface(index)[..., :3]

    def labels(self, index: int) -> dict[str, Shaped[np.ndarray, "..."]]:
        """All labels of a sample by name."""
        return {key: values[index] for key, values in self._cache.labels.items()}

    @cached_property
    def _bank(self) -> BackgroundBank:
        return load_backgrounds(self._backgrounds)


def take_picture(
    foreground: UInt8[np.ndarray, "size size 4"], bank: BackgroundBank, rng: np.random.Generator
) -> UInt8[np.ndarray, "size size 3"]:
    """A photograph (RGB) of a foreground before a background of the bank; both and the camera are drawn."""
    background = draw_background(bank, rng, len(foreground))
    gains = match(foreground, background, rng)
    return expose(composite(foreground, background * gains), rng)


class ShippedSource(SyntheticSource):
    """The test split that everybody measures on.

    Args:
        folder: where it lies, `SHIPPED` in the package.

    Raises:
        ValueError: one of its files is missing or not the one that was published.
    """

    version = VERSION

    def __init__(self, folder: Path) -> None:
        damage = find_damage(folder, {"version": VERSION})
        if damage:
            raise ValueError(f"the test split {folder} is not the one that was published ({damage}); install it again")
        super().__init__(folder, "test")

    def __reduce__(self) -> tuple[Any, ...]:
        """See `SyntheticSource`."""
        return type(self), (self._folder,)

    def surface(self, index: int) -> UInt8[np.ndarray, "size size 3"]:
        """The IUV map, which is stored smaller than the picture."""
        image, stored = self._cache.image(index), self._cache.surface(index)
        return np.asarray(cv2.resize(stored, image.shape[1::-1], interpolation=cv2.INTER_NEAREST))


def published(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the test split, as its `facts.json` has them.

    Raises:
        FileNotFoundError: there are no facts.
    """
    files = json.loads((folder / "facts.json").read_text(encoding="utf-8"))["files"]
    return {name: files[name]["sha256"] for name in FILES}
