"""Cached samples as a source of raw samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.sample import RawSample, Smpl
from datamodules.synthetic.generator import OPEN_SKELETON
from datamodules.synthetic.rng import VERSION
from datamodules.synthetic.stored import CachedSplit


class SyntheticSource:
    """A split of the open benchmark.

    Args:
        folder: its cache.
        split: its name; it is what every sample calls its sequence.
    """

    def __init__(self, folder: Path, split: str) -> None:
        self._folder, self._split = folder, split
        self._cache = CachedSplit(folder)
        self._valid = np.ones(len(OPEN_SKELETON), bool)

    def __len__(self) -> int:
        return len(self._cache)

    def __getstate__(self) -> tuple[Path, str]:
        """Only the place: a process that is started afresh maps the files itself instead of receiving a copy."""
        return self._folder, self._split

    def __setstate__(self, state: tuple[Path, str]) -> None:
        self.__init__(*state)

    def __getitem__(self, index: int) -> RawSample:
        labels = self._cache.labels
        return RawSample(
            image=self._cache.image(index),
            intrinsics=labels["intrinsics"][index].astype(np.float64),
            box=labels["box"][index],
            joints=labels["joints"][index],
            joints_valid=self._valid,
            skeleton=OPEN_SKELETON,
            index=index,
            smpl=Smpl(labels["pose"][index], labels["betas"][index], labels["transl"][index]),
            iuv=self._cache.surface(index),
            subject="open",
            action=self._cache.actions[labels["action"][index]],
            sequence=f"{VERSION}-{self._split}",
            camera="random",
            frame=index,
        )
