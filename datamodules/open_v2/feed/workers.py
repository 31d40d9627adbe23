"""Processes that render without a pause, and hand their samples over in shared memory.

Every process owns a block of slots. It writes a sample into a free slot and sends the slot's number; whoever takes the
sample sends the number back. Nothing else is shared, so a process that dies holds no lock, and its closed pipe is seen.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from datamodules.open_v2.feed.record import row_type, write_row
from datamodules.open_v2.types import Sample


@runtime_checkable
class Maker(Protocol):
    """Makes samples: `datamodules.open_v2.generator.Generator`, or a stand-in."""

    def make(self, split: str, index: int) -> Sample:
        """Sample `index` of a split; the same for every call, process and order."""
        ...


@dataclass(frozen=True)
class Work:
    """What is to be rendered: `first` to `last` of a split, without an end when `last` is None."""

    split: str
    first: int = 0
    last: int | None = None


class Rendered(NamedTuple):
    """A finished sample; its row is valid until `RenderWorkers.release`."""

    worker: int
    slot: int
    split: str
    row: UInt8[np.ndarray, " bytes"]


class RenderWorkers:
    """A pool of rendering processes; close it, or use it in a `with`.

    Args:
        make: gives a process its generator; it must be picklable (a class, `functools.partial`).
        work: what to render, in this order; every process takes its share of each.
        size: side of the pictures in pixels.
        processes: how many.
        slots: samples that each can be ahead by.
        tolerated: samples that may fail in each process; they are told on stderr and left out.
    """

    def __init__(
        self,
        make: Callable[[], Maker],
        work: Sequence[Work],
        size: int,
        processes: int,
        slots: int = 8,
        tolerated: int = 0,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._kind, self._slots = row_type(size), slots
        self._blocks: list[SharedMemory] = []
        self._processes: list[Any] = []
        self._pipes: list[Connection] = []
        try:
            for number in range(processes):
                block = SharedMemory(create=True, size=slots * self._kind.itemsize)
                self._blocks.append(block)
                ours, theirs = context.Pipe()
                job = _Job(make, tuple(work), number, processes, block.name, slots, size, tolerated)
                process = context.Process(target=_render, args=(job, theirs), daemon=True)
                process.start()
                theirs.close()
                self._processes.append(process)
                self._pipes.append(ours)
        except BaseException:
            self.close()
            raise
        self._rows = [np.ndarray((slots, self._kind.itemsize), np.uint8, block.buf) for block in self._blocks]
        for pipe in self._pipes:
            for slot in range(slots):
                pipe.send(slot)
        self._busy = dict(zip(self._pipes, range(processes), strict=True))

    def __enter__(self) -> RenderWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def poll(self, timeout: float = 0.0) -> Iterator[Rendered]:
        """Samples that are ready; waits up to `timeout` seconds for the first one.

        Raises:
            RuntimeError: a process failed; the message says which, and why.
        """
        ready = wait(list(self._busy), timeout) if self._busy else []
        for pipe in ready:
            assert isinstance(pipe, Connection)
            for _ in range(self._slots):  # a fast process must not keep us from the others
                if pipe not in self._busy or not pipe.poll():
                    break
                rendered = self._receive(pipe)
                if rendered is not None:
                    yield rendered

    @property
    def finished(self) -> bool:
        """Whether all the work is done and taken."""
        return not self._busy

    def release(self, rendered: Rendered) -> None:
        """Let the process use the slot again."""
        pipe = self._pipes[rendered.worker]
        try:
            pipe.send(rendered.slot)
        except OSError:
            if pipe in self._busy:
                self._receive(pipe)  # says why it ended

    def close(self) -> None:
        """End the processes and free the memory."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(5)
        for pipe in self._pipes:
            pipe.close()
        self._rows = []
        for block in self._blocks:
            block.close()
            block.unlink()
        self._processes, self._pipes, self._blocks, self._busy = [], [], [], {}

    def _receive(self, pipe: Connection) -> Rendered | None:
        worker = self._busy[pipe]
        try:
            slot, text = pipe.recv()
        except (EOFError, OSError):
            self._processes[worker].join(5)
            code = self._processes[worker].exitcode
            raise RuntimeError(
                f"render process {worker} of {len(self._pipes)} died (exit code {code}; -9 is what a machine without "
                f"memory does): use fewer processes, or render in one to see why"
            ) from None
        if slot is not None:
            return Rendered(worker, slot, text, self._rows[worker][slot])
        del self._busy[pipe]  # all of its work is done, or it failed
        if text:
            raise RuntimeError(f"render process {worker} of {len(self._pipes)} failed: {text}")
        return None


class _Job(NamedTuple):
    make: Callable[[], Maker]
    work: tuple[Work, ...]
    number: int
    processes: int
    block: str
    slots: int
    size: int
    tolerated: int

    def samples(self) -> Iterator[tuple[str, int]]:
        for work in self.work:
            index = work.first + self.number
            while work.last is None or index < work.last:
                yield work.split, index
                index += self.processes


def _render(job: _Job, pipe: Connection) -> None:
    """What a process does until its work or the pipe ends."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.nice(5)  # the process that trains has to keep its device busy
    block = SharedMemory(job.block)
    try:
        _one_thread()
        maker, rows = job.make(), np.ndarray(job.slots, row_type(job.size), block.buf)
        failed = 0
        for split, index in job.samples():
            try:
                sample = _made(maker, split, index)
            except Exception as error:
                failed += 1
                if failed > job.tolerated:
                    raise
                print(f"left out: {error}", file=sys.stderr, flush=True)
                continue
            slot = pipe.recv()
            write_row(rows[slot], sample, index)
            pipe.send((slot, split))
        pipe.send((None, ""))
        while True:
            pipe.recv()  # the last samples are still read from this block
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        pass  # whoever trained is gone
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        pipe.send((None, f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})"))
    finally:
        block.close()


def _made(maker: Maker, split: str, index: int) -> Sample:
    try:
        return maker.make(split, index)
    except Exception as error:
        error.args = (f"{split} sample {index}: {' '.join(map(str, error.args))}",)
        raise


def _one_thread() -> None:
    import cv2
    import torch

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
