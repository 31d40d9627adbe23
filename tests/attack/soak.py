"""`python -m tests.attack.soak [COUNT] [THREADS]`: predictions in one process; memory, descriptors and threads stay."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import zoo


def state() -> tuple[float, int, int]:
    """Megabytes of memory, open descriptors, threads."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, descriptors, threading.active_count()


def main() -> int:
    count, threads = (int(sys.argv[1]) if len(sys.argv) > 1 else 2000), (int(sys.argv[2]) if len(sys.argv) > 2 else 8)
    rng, model = np.random.default_rng(0), zoo.load("hemlets")
    images = [rng.integers(0, 256, (200, 160, 3), np.uint8) for _ in range(8)]
    expected = [zoo.predict(model, image).joints for image in images]
    start, wrong, states = time.monotonic(), 0, []
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, count, max(1, count // 10)):
            work = range(first, min(count, first + max(1, count // 10)))
            answers = pool.map(lambda number: zoo.predict(model, images[number % 8]).joints, work)
            wrong += sum(
                not bool((expected[n % 8] - one).abs().max() < 1e-4) for n, one in zip(work, answers, strict=True)
            )
            states.append(state())
            print("{:.0f} MB, {} descriptors, {} threads".format(*states[-1]), flush=True)
    print(f"{count} predictions by {threads} threads in {time.monotonic() - start:.0f} s; {wrong} wrong")
    (grown, more, _), (before, few, _) = states[-1], states[len(states) // 3]
    return int(wrong > 0 or grown - before > 50 or more > few)


if __name__ == "__main__":
    sys.exit(main())
