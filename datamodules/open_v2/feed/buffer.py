"""Samples on the device that trains: rendered once, drawn many times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from datamodules.open_v2.feed.record import Records, read_rows, row_type


class ReplayBuffer:
    """Rows of samples; when it is full, the newest take the place of the oldest.

    Copies to a GPU are queued on the stream that trains: a row is never read half-written, and nothing waits.

    Args:
        capacity: samples. At 256 pixels 10,000 are 4.6 GB, taken at once.
        size: side of the pictures in pixels.
        device: where they lie.
        file: keeps them on disk, on the CPU only; what an earlier run left there is still there.
        staging: samples that are copied to a GPU together.

    Raises:
        ValueError: the file is of another size.
    """

    def __init__(
        self, capacity: int, size: int, device: torch.device, file: Path | None = None, staging: int = 64
    ) -> None:
        self.capacity, self.size, self.device = capacity, size, device
        self._kind = row_type(size)
        shape = (capacity, self._kind.itemsize)
        self._count_file = None if file is None else file.with_suffix(".count")
        if file is None:
            self._rows = torch.empty(shape, dtype=torch.uint8, device=device)
        else:
            self._rows = _mapped(file, shape)
        self.added = self._earlier()
        on_gpu = device.type == "cuda"
        self._staging = [torch.empty(staging, shape[1], dtype=torch.uint8, pin_memory=on_gpu) for _ in range(2)]
        self._copied = [torch.cuda.Event() for _ in range(2)] if on_gpu else []  # type: ignore[no-untyped-call]
        self._turn = self._waiting = 0

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, row: UInt8[np.ndarray, " bytes"]) -> None:
        """Take a sample; it can be drawn after `flush`, which happens by itself when enough have come together."""
        staged = self._staging[self._turn]
        staged[self._waiting].numpy()[:] = row
        self._waiting += 1
        if self._waiting == len(staged):
            self.flush()

    def flush(self) -> None:
        """Copy what was added to the device."""
        if not self._waiting:
            return
        staged, done = self._staging[self._turn], 0
        while done < self._waiting:
            start = self.added % self.capacity
            count = min(self._waiting - done, self.capacity - start)
            self._rows[start : start + count].copy_(staged[done : done + count], non_blocking=True)
            self.added, done = self.added + count, done + count
        if self._copied:
            self._copied[self._turn].record()
            self._turn = 1 - self._turn
            self._copied[self._turn].synchronize()  # queued a whole turn ago: it has long been copied
        self._waiting = 0
        if self._count_file is not None:
            self._count_file.write_text(f"{self.added}\n")

    def take(self, positions: Int[Tensor, " batch"]) -> Records:
        """Samples by their position, 0 to `len(self) - 1`."""
        # whole words: eight times faster than bytes
        return read_rows(self._rows.view(torch.int64)[positions].view(torch.uint8), self.size)

    def draw(self, count: int) -> Records:
        """Samples at random, each as likely as any other.

        Raises:
            ValueError: there is none yet.
        """
        if not len(self):
            raise ValueError("no sample has been added and flushed yet")
        return self.take(torch.randint(len(self), (count,), device=self.device))

    def _earlier(self) -> int:
        if self._count_file is None or not self._count_file.is_file():
            return 0
        return int(self._count_file.read_text())


def _mapped(file: Path, shape: tuple[int, int]) -> UInt8[Tensor, "capacity bytes"]:
    wanted = shape[0] * shape[1]
    if file.is_file() and file.stat().st_size != wanted:
        raise ValueError(f"{file} holds {file.stat().st_size} bytes, not {wanted}: delete it, or ask for its capacity")
    file.parent.mkdir(parents=True, exist_ok=True)
    return torch.from_file(str(file), shared=True, size=wanted, dtype=torch.uint8).view(shape)
