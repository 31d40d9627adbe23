"""Cached samples as a source of raw samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from datamodules.sample import RawSample, Smpl
from datamodules.synthetic.cached_split import CachedSplit
from datamodules.synthetic.generator import OPEN_SKELETON
from datamodules.synthetic.rng import VERSION


class SyntheticSource:
    """A split of the open benchmark. A benchmark of other images is a subclass.

    Args:
        folder: its cache.
        split: its name; it is what every sample calls its sequence.
    """

    version = VERSION

    def __init__(self, folder: Path, split: str) -> None:
        self._folder, self._split = folder, split
        self._cache = CachedSplit(folder)
        self._valid = np.ones(len(OPEN_SKELETON), bool)

    def __len__(self) -> int:
        return len(self._cache)

    def __reduce__(self) -> tuple[Any, ...]:
        """Only where it lies: a process that is started afresh maps the files itself instead of receiving a copy."""
        return type(self), (self._folder, self._split)

    def __getitem__(self, index: int) -> RawSample:
        labels = self._cache.labels
        return RawSample(
            image=self.image(index),
            intrinsics=labels["intrinsics"][index].astype(np.float64),
            box=labels["box"][index],
            joints=labels["joints"][index],
            joints_valid=self._valid,
            skeleton=OPEN_SKELETON,
            index=index,
            smpl=Smpl(labels["pose"][index], labels["betas"][index], labels["transl"][index]),
            iuv=self.surface(index),
            subject="open",
            action=self._cache.actions[labels["action"][index]],
            sequence=f"{self.version}-{self._split}",
            camera="random",
            frame=index,
        )

    def image(self, index: int) -> UInt8[np.ndarray, "size size 3"]:
        """The image, RGB."""
        return self._cache.image(index)

    def surface(self, index: int) -> UInt8[np.ndarray, "size size 3"]:
        """The IUV map."""
        return self._cache.surface(index)
