"""Renders, keeps and hands out: batches without end for a training, from samples that are made meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from datamodules.batch import Batch
from datamodules.open_v2.feed.batch import BatchMaker
from datamodules.open_v2.feed.buffer import ReplayBuffer
from datamodules.open_v2.feed.workers import RenderWorkers

_FLUSH_SECONDS = 1.0


class Feed:
    """Takes what render processes make into the buffer of its split, between the steps of a training.

    Args:
        workers: the processes; None when nothing more is rendered.
        buffers: split -> where its samples go.
    """

    def __init__(self, workers: RenderWorkers | None, buffers: dict[str, ReplayBuffer]) -> None:
        self._workers, self._buffers = workers, buffers
        self._flushed = time.monotonic()

    def pump(self, timeout: float = 0.0) -> None:
        """Take finished samples; waits up to `timeout` seconds for the first one.

        Raises:
            RuntimeError: see `RenderWorkers.poll`.
        """
        if self._workers is None:
            return
        for rendered in self._workers.poll(timeout):
            self._buffers[rendered.split].add(rendered.row)
            self._workers.release(rendered)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            for buffer in self._buffers.values():
                buffer.flush()
            self._flushed = time.monotonic()

    def fill(self, split: str, samples: int, seconds: float = 600.0) -> None:
        """Wait until a split has so many samples.

        Raises:
            TimeoutError: it takes longer than `seconds`, or nothing more is rendered.
            RuntimeError: see `RenderWorkers.poll`.
        """
        buffer, end = self._buffers[split], time.monotonic() + seconds
        while len(buffer) < samples:
            if self._workers is None or self._workers.finished or time.monotonic() > end:
                buffer.flush()
                if len(buffer) >= samples:
                    return
                raise TimeoutError(
                    f"{len(buffer)} of {samples} {split} samples after {seconds:.0f} s: use more processes, or ask for "
                    f"fewer samples"
                )
            self.pump(0.2)

    def batches(self, maker: BatchMaker, size: int, split: str = "train") -> FeedBatches:
        """Random batches of a split, without end."""
        return FeedBatches(self, self._buffers[split], maker, size)


@dataclass
class FeedBatches:
    """An endless loader of training batches; rendered samples are taken in before each."""

    feed: Feed
    buffer: ReplayBuffer
    maker: BatchMaker
    size: int

    def __iter__(self) -> Iterator[Batch]:
        while True:
            self.feed.pump()
            yield self.maker.train(self.buffer.draw(self.size))


def plain_batches(buffer: ReplayBuffer, maker: BatchMaker, size: int) -> list[Batch]:
    """All samples of a buffer once, as they are."""
    positions = torch.arange(len(buffer), device=buffer.device)
    return [maker.plain(buffer.take(part)) for part in torch.split(positions, size)]
