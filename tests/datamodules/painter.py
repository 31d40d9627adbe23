"""Makes samples whose every number is their index, in a file that a process can import in no time."""

from __future__ import annotations

import os

import numpy as np

from body.skeleton import OPEN36
from datamodules.open_v2.types import Sample

_SHAPES = {"pose": (24, 3), "betas": 10, "transl": 3, "intrinsics": (3, 3), "joints": (len(OPEN36), 3), "box": 4}


class Painter:
    """Makes samples whose every number is their index, and fails as it is told."""

    def __init__(self, fails_at: int = -1, how: str = "raise") -> None:
        self.fails_at, self.how = fails_at, how

    def make(self, split: str, index: int) -> Sample:
        if index == self.fails_at:
            if self.how == "die":
                os._exit(7)
            raise ValueError("no such garment")
        value = index % 256
        return Sample(
            foreground=np.full((8, 8, 4), value, np.uint8),
            iuv=np.full((8, 8, 3), value, np.uint8),
            **{name: np.full(shape, index, np.float32) for name, shape in _SHAPES.items()},
            action=split,
            background_seed=index,
        )
