"""What a device could do at most, and what a graph asks of it: arithmetic, and bytes between its operators."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Roof:
    """Of a device in one precision.

    Attributes:
        tflops: of a large matrix product.
        gigabytes: that it reads and writes per second.
    """

    tflops: float
    gigabytes: float

    def milliseconds(self, work: Work) -> float:
        """Least time for some work: arithmetic and memory side by side, operator after operator unfused."""
        return max(work.flops / self.tflops / 1e9, work.bytes / self.gigabytes / 1e6)


@dataclass(frozen=True)
class Work:
    """What a graph asks for."""

    flops: int
    bytes: int


def measure_roof(device: torch.device, kind: torch.dtype, side: int) -> Roof:
    """The roof for a type; `side` is that of the matrix, which has to be large."""
    one = torch.rand(side, side, device=device, dtype=kind)
    other = torch.empty_like(one)
    product = median(lambda: torch.mm(one, one, out=other), 0.5, device)
    copy = median(lambda: other.copy_(one), 0.2, device)
    return Roof(2 * side**3 / product / 1e12, 2 * one.nbytes / copy / 1e9)


def count_work(step: Callable[[], object]) -> Work:
    """What one call does; every operator reads its inputs and writes its outputs once."""
    with FlopCounterMode(display=False) as arithmetic, _Traffic() as traffic:  # type: ignore[no-untyped-call]
        step()
    return Work(int(arithmetic.get_total_flops()), traffic.bytes)


class _Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[Any], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if not getattr(func, "is_view", False):
            moved = (leaf for leaf in tree_leaves((args, kwargs, made)) if isinstance(leaf, Tensor))
            self.bytes += sum(tensor.nbytes for tensor in moved)
        return made


def median(step: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Seconds of a step that is repeated for some time, three times at least, after a first one."""
    step()
    times = list[float]()
    while len(times) < 3 or sum(times) < seconds:
        wait(device)
        started = time.perf_counter()
        step()
        wait(device)
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def wait(device: torch.device) -> None:
    """Until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
