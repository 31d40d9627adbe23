"""Work that prepares a benchmark: independent pieces, in parallel, and done only once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn


@dataclass(frozen=True)
class Job:
    """One piece of work, such as one video whose frames become images.

    The function writes every file under another name and renames it when it is whole (`body.atomic`, or
    `video.extract_frames`), so a job that was stopped is done again, without what it had finished already.

    Attributes:
        name: what it is called when it fails, e.g. the file that is read.
        files: what is there when it is done; a job whose files are all there is skipped.
        function: does the work, in another process, so it must be importable by name.
        arguments: of the function.
    """

    name: str
    files: tuple[Path, ...]
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()

    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        return bool(self.files) and all(file.exists() for file in self.files)


@dataclass(frozen=True)
class Outcome:
    """How a list of jobs ended.

    Attributes:
        done: jobs that ran.
        skipped: jobs whose files were there.
        failed: name of a job -> what went wrong, in one line.
    """

    done: int
    skipped: int
    failed: dict[str, str]


def run_jobs(jobs: Sequence[Job], workers: int = 1, title: str = "Preparing") -> Outcome:
    """Run what is not done yet, with a progress bar; a job that fails does not stop the others.

    Args:
        jobs: in the order in which they are started.
        workers: processes; one runs everything in this process.
        title: beside the progress bar.

    Raises:
        KeyboardInterrupt: Ctrl-C; the jobs under way are stopped. Calling this again goes on with the rest.
    """
    waiting = [job for job in jobs if not job.is_done()]
    failed: dict[str, str] = {}
    columns = (*Progress.get_default_columns()[:-2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(title, total=len(jobs), completed=len(jobs) - len(waiting))
        here = workers == 1 or len(waiting) < 2
        with closing(_run_here(waiting) if here else _run_there(waiting, workers)) as results:
            for job, error in results:
                if error:
                    failed[job.name] = error
                progress.advance(task)
    return Outcome(len(waiting) - len(failed), len(jobs) - len(waiting), failed)


def _run_here(jobs: Sequence[Job]) -> Generator[tuple[Job, str], None, None]:
    yield from ((job, _error(job)) for job in jobs)


def _run_there(jobs: Sequence[Job], workers: int) -> Generator[tuple[Job, str], None, None]:
    # spawned, not forked: a fork of a process that has used OpenMP threads can hang
    context = multiprocessing.get_context("spawn")
    others, stop = set(multiprocessing.active_children()), context.Event()
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start_worker, (stop,))
    futures: dict[Future[str], Job] = {}
    try:
        futures |= {pool.submit(_interruptible, job): job for job in jobs}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], "its process was killed, perhaps for want of memory; try fewer --workers"
    finally:
        for future in futures:
            future.cancel()
        if not all(future.done() for future in futures):  # only after Ctrl-C
            stop.set()
            for child in set(multiprocessing.active_children()) - others:
                if child.pid is not None:
                    os.kill(child.pid, signal.SIGINT)
        pool.shutdown()


_stop: Event | None = None


def _start_worker(stop: Event) -> None:
    global _stop  # one per worker process: set when no other job may be started
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # between jobs
    import cv2

    cv2.setNumThreads(1)


def _interruptible(job: Job) -> str:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return "stopped" if _stop is not None and _stop.is_set() else _error(job)
    except KeyboardInterrupt:
        return "stopped"
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _error(job: Job) -> str:
    try:
        job.function(*job.arguments)
    except Exception as error:  # whatever is in one user's file must not stop the work on the others
        return " ".join(str(error).split()) or type(error).__name__
    return ""
