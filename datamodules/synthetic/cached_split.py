"""Reads a cache folder through memory maps."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8


class CachedSplit:
    """Reader of one cache folder.

    Args:
        folder: what `cache.ensure` returned.

    Raises:
        FileNotFoundError: a file of the cache is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._images = np.memmap(folder / "images.bin", np.uint8, "r")
        self._surfaces = np.memmap(folder / "surfaces.bin", np.uint8, "r")
        with np.load(folder / "labels.npz", allow_pickle=False) as arrays:
            every = dict(arrays)
        self._image_offsets, self._surface_offsets = every.pop("image_offsets"), every.pop("surface_offsets")
        self.labels = every
        self.actions: list[str] = json.loads((folder / "facts.json").read_text())["actions"]

    def __len__(self) -> int:
        return len(self.labels["pose"])

    def image(self, index: int) -> UInt8[np.ndarray, "size size 3"]:
        """The image, RGB."""
        coded = self._images[self._image_offsets[index] : self._image_offsets[index + 1]]
        return cv2.cvtColor(self._decode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    def surface(self, index: int) -> UInt8[np.ndarray, "rows columns channels"]:
        """The IUV map, and whatever more the benchmark stores with it."""
        coded = self._surfaces[self._surface_offsets[index] : self._surface_offsets[index + 1]]
        return self._decode(coded, cv2.IMREAD_UNCHANGED)

    def _decode(self, coded: UInt8[np.ndarray, "bytes"], mode: int) -> UInt8[np.ndarray, "rows columns channels"]:
        image = cv2.imdecode(coded, mode)
        if image is None:
            raise ValueError(f"the cache {self._folder} is damaged; delete that folder and run again")
        return image
