"""How fast samples of open-v2 are made and photographed anew, per second of one core (CPU time)."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from datamodules.open_v2.bundle import make_bundle
from datamodules.open_v2.generator import Generator
from datamodules.synthetic.cache import cache_root


def making(generator: Generator, samples: int) -> list[float]:
    """Seconds of each of the first samples, the best of three runs: other work on the machine disturbs."""
    best = [np.inf] * samples
    for _ in range(3):
        for index in range(samples):
            start = time.process_time()
            generator.make("train", index)
            best[index] = min(best[index], time.process_time() - start)
    return best


def photographing(generator: Generator, visits: int) -> float:
    """Seconds of one visit: another background, another camera."""
    sample, rng = generator.make("train", 0), np.random.default_rng(0)
    start = time.process_time()
    for _ in range(visits):
        background = np.random.default_rng(int(rng.integers(2**31)))
        generator.picture(sample, generator.background(background), rng)
    return (time.process_time() - start) / visits


def main(samples: int = 100) -> None:
    """Print both rates, or what is missing to measure them."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    everywhere = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if everywhere is not None:  # one core: embree would build its scenes with all of them
        os.sched_setaffinity(0, {min(everywhere)})
    try:
        with tempfile.TemporaryDirectory() as folder:
            generator = Generator.from_bundle(make_bundle(cache_root(), Path(folder)))
        generator.make("train", 0)  # fills the caches of shapes and noise
        make, visit = float(np.mean(making(generator, samples))), photographing(generator, 10 * samples)
        print(f"open-v2 samples made:     {1 / make:8.1f} per second per core ({make * 1000:.1f} ms each, 256 px)")
        print(f"open-v2 photographs:      {1 / visit:8.1f} per second per core ({visit * 1000:.2f} ms each)")
    except (FileNotFoundError, ImportError) as error:
        print(f"open-v2 not measured: {error}")
    finally:
        if everywhere is not None:
            os.sched_setaffinity(0, everywhere)


if __name__ == "__main__":
    main()
