"""Measurements in a process of their own: the peak memory of a process never falls, and threads keep their mode."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_process(module: str, **options: int) -> dict[str, Any]:
    """What `python -m MODULE --NAME VALUE ...` prints as JSON in its last line."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(int(value)))]
    done = subprocess.run([sys.executable, "-m", module, *words], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(step: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Median seconds of a step that is repeated for some time, and its peak memory in MiB above what there was."""
    before = resident_mib(reset=True)
    step()
    memory = resident_mib() - before
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"seconds": sorted(times)[len(times) // 2], "mib": memory}


def resident_mib(reset: bool = False) -> float:
    """Peak resident memory of this process; with `reset` (Linux), the present one, from which the peak starts anew."""
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    key = "VmRSS:" if reset else "VmHWM:"
    (line,) = (line for line in status.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024
