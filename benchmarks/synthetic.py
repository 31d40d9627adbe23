"""How fast the open benchmark is made, and read back from its cache, per second of one core (CPU time)."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import cv2
import torch

from datamodules.augment import Augmentation
from datamodules.base import CropDataset, rest_root
from datamodules.settings import CropSettings
from datamodules.synthetic.cache import Split, ensure
from datamodules.synthetic.dataset import SyntheticSource
from datamodules.synthetic.generator import Generator


def generation(samples: int, size: int = 192) -> float:
    """Seconds that one core needs to make one sample."""
    generator = Generator(size)
    generator.make("train", 0)  # fills the caches of noise and shapes
    start = time.process_time()
    for index in range(samples):
        generator.make("train", index)
    return (time.process_time() - start) / samples


def reading(samples: int, size: int = 192, crop: int = 128) -> float:
    """Seconds that one core needs to read, crop and augment one cached sample."""
    generator = Generator(size)
    with tempfile.TemporaryDirectory() as folder:
        cached = ensure(Split("train", 64, size, 0), Path(folder), workers=1)
        source = SyntheticSource(cached, "train")
        settings = CropSettings(size=crop)
        dataset = CropDataset(source, settings, Augmentation(), {"neutral": rest_root(generator.model)})
        start = time.process_time()
        for index in range(samples):
            dataset[index % len(dataset)]
        return (time.process_time() - start) / samples


def main(samples: int = 100) -> None:
    """Print both rates; they count CPU time, so that other work on the machine matters little."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):  # one core: embree would build its scenes with all of them
        everywhere = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(everywhere)})
    making, reading_time = generation(samples), reading(10 * samples)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, everywhere)
    print(f"synthetic samples made:   {1 / making:8.1f} per second per core ({making * 1000:.1f} ms each, 192 px)")
    print(f"synthetic samples cached: {1 / reading_time:8.1f} per second per core ({reading_time * 1000:.2f} ms each)")


if __name__ == "__main__":
    main()
