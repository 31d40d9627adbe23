"""`open-v1`'s pictures in the shape of `open-v2`'s, for where the assets of `open-v2` are not."""

from __future__ import annotations

import numpy as np

from datamodules.open_v2.types import Sample
from datamodules.synthetic.generator import Generator


class StandIn:
    """Makes `open-v1` samples, whose background is a part of the picture: it stays the same at every visit.

    Args:
        size: side of the pictures in pixels.
    """

    def __init__(self, size: int = 256) -> None:
        self._generator = Generator(size)

    def make(self, split: str, index: int) -> Sample:
        """Sample `index` of a split, in the box of its visible part."""
        made = self._generator.make(split, index)
        size = made.image.shape[0]
        opaque = np.concatenate([made.image, np.full((size, size, 1), 255, np.uint8)], -1)
        low, high = np.clip(made.box[:2], 0, size - 1), np.clip(made.box[:2] + made.box[2:], 1, size)
        box = np.concatenate([low, np.maximum(high - low, 4)])
        labels = {name: getattr(made, name) for name in ("iuv", "pose", "betas", "transl", "intrinsics", "joints")}
        return Sample(foreground=opaque, box=box, action=made.action, background_seed=index, **labels)
