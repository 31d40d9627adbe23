"""Samples on disk: made once, in parallel, and read through memory maps."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from rich.progress import Progress, TimeRemainingColumn

from datamodules.synthetic.actions import ACTIONS
from datamodules.synthetic.checksums import checksums, find_damage
from datamodules.synthetic.generator import Generator
from datamodules.synthetic.rng import VERSION
from datamodules.synthetic.scene import fingerprint

_CHUNK = 32
LABELS = ("pose", "betas", "transl", "intrinsics", "joints", "box")
_JPEG_QUALITY = 95


Record = tuple[bytes, bytes, dict[str, Shaped[np.ndarray, "..."]]]
"""A sample as it is stored: encoded image, encoded map of the surface, labels."""


@dataclass(frozen=True)
class Split:
    """Which samples: everything that decides what a cache folder holds. A benchmark of other images is a subclass."""

    name: str
    samples: int
    size: int
    seed: int

    version: ClassVar[str] = VERSION

    def fingerprint(self) -> str:
        """See `scene.fingerprint`."""
        return fingerprint(self.seed, self.name, self.samples, self.size)

    def facts(self) -> dict[str, Any]:
        """What `facts.json` says of the split."""
        size = {"name": self.name, "samples": self.samples, "size": self.size, "seed": self.seed}
        return {"version": self.version, **size, "fingerprint": self.fingerprint(), "actions": list(self.actions())}

    def folder(self, root: Path) -> Path:
        """Where the cache of this split lies."""
        name = f"{self.version}-{self.name}-{self.samples}-{self.size}-{self.fingerprint()[:12]}"
        return root / "synthetic" / name

    def actions(self) -> tuple[str, ...]:
        """Names of the actions, in the order of their numbers."""
        return tuple(ACTIONS)

    def generator(self) -> Any:
        """What makes the samples; every process has its own."""
        return Generator(self.size, self.seed)

    def record(self, generator: Any, index: int) -> Record:
        """Make and code a sample."""
        sample = generator.make(self.name, index)
        labels = {key: np.asarray(getattr(sample, key), np.float32) for key in LABELS}
        labels["action"] = np.asarray(self.actions().index(sample.action), np.int16)
        return encode_jpeg(sample.image), encode_png(sample.iuv), labels


def encode_jpeg(image: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """An RGB image, nearly without loss."""
    bgr = np.ascontiguousarray(image[..., ::-1])
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])


def encode_png(values: UInt8[np.ndarray, "height width channels"]) -> bytes:
    """One, three or four channels as they are."""
    return bytes(cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1])


def cache_root(cache_dir: str | None = None) -> Path:
    """`cache_dir`, else `$ZOO_CACHE`, else `~/.cache/human-mesh-zoo`."""
    chosen = cache_dir or os.environ.get("ZOO_CACHE") or "~/.cache/human-mesh-zoo"
    return Path(chosen).expanduser()


def ensure(split: Split, root: Path, workers: int | None = None) -> Path:
    """The folder of a split, made now unless it is there and whole.

    Sizes and SHA-256 of its files are compared with its `facts.json` once a process; what is damaged is made anew.

    It is written under another name and renamed when complete: an interrupted run leaves nothing that looks finished,
    and of two processes at once the first to finish wins.

    Args:
        split: what to make.
        root: folder of all caches.
        workers: processes; all cores when omitted. One makes everything in this process.

    Raises:
        OSError: the folder cannot be written.
        ChildProcessError: a process that made samples was killed.
    """
    final = split.folder(root)
    if final.is_dir():
        damage = find_damage(final, split.facts())
        if not damage:
            return final
        warnings.warn(f"the cache {final} is made anew: {damage}", stacklevel=2)
        _discard(final)
    partial = _new_folder(final)
    try:
        _write(split, partial, workers or os.cpu_count() or 1)
        try:
            partial.replace(final)
        except OSError:
            if not final.is_dir():  # anything but "another process was faster"
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final


def _new_folder(final: Path) -> Path:
    """An empty folder beside the one to make."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(final)
        return Path(tempfile.mkdtemp(prefix=f".{final.name}.{os.getpid()}.", dir=final.parent))
    except OSError as error:
        where = final.parent
        raise OSError(
            f"the cache {where} cannot be written ({error.strerror}); set ZOO_CACHE to a folder that can"
        ) from None


def _discard(folder: Path) -> None:
    """Delete a damaged cache, at once for everybody who looks for it."""
    aside = folder.parent / f".{folder.name}.{os.getpid()}.damaged"
    try:
        folder.replace(aside)
    except FileNotFoundError:  # another process was faster
        return
    shutil.rmtree(aside, ignore_errors=True)


def _remove_abandoned(final: Path) -> None:
    """Delete what a killed process of this machine left behind."""
    for leftover in final.parent.glob(f".{final.name}.*"):
        owner = leftover.name.removeprefix(f".{final.name}.").split(".")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(leftover, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write(split: Split, folder: Path, workers: int) -> None:
    with Progress(*Progress.get_default_columns()[:-1], TimeRemainingColumn(), transient=True) as progress:
        records = _records(split, workers)
        made = progress.track(records, total=split.samples, description=f"Making {split.samples} {split.name} samples")
        write_records(made, folder)
    (folder / "facts.json").write_text(
        json.dumps(split.facts() | {"files": checksums(folder)}, indent=1, allow_nan=False)
    )


def write_records(records: Iterable[Record], folder: Path) -> None:
    """`images.bin`, `surfaces.bin` and `labels.npz`, as `stored.CachedSplit` reads them."""
    image_offsets, surface_offsets = [0], [0]
    labels: dict[str, list[Shaped[np.ndarray, "..."]]] = {}
    with (folder / "images.bin").open("wb") as images, (folder / "surfaces.bin").open("wb") as surfaces:
        for image, surface, label in records:
            images.write(image)
            surfaces.write(surface)
            image_offsets.append(image_offsets[-1] + len(image))
            surface_offsets.append(surface_offsets[-1] + len(surface))
            for key, value in label.items():
                labels.setdefault(key, []).append(value)
    arrays = {key: np.stack(values) for key, values in labels.items()}
    arrays |= {"image_offsets": np.array(image_offsets), "surface_offsets": np.array(surface_offsets)}
    np.savez(folder / "labels.npz", **arrays)  # type: ignore[arg-type]


def _records(split: Split, workers: int) -> Iterator[Record]:
    """Every sample in order, whoever makes it."""
    chunks = [range(start, min(start + _CHUNK, split.samples)) for start in range(0, split.samples, _CHUNK)]
    if workers == 1 or len(chunks) == 1:
        generator = split.generator()
        for chunk in chunks:
            yield from (_record(split, generator, index) for index in chunk)
        return
    # spawned, not forked: a fork of a process that has used OpenMP threads can hang
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(chunks)), context, _start_worker, (split,))
    waiting: deque[Future[list[Record]]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_make_chunk, chunk))
            if len(waiting) > 2 * workers:  # what is made ahead stays in memory
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool:
        raise ChildProcessError(
            "a process that makes samples was killed or could not start: for want of memory set fewer "
            "generator_workers; a script of your own must begin its work below `if __name__ == '__main__':`"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_worker: tuple[Split, Any] | None = None


def _start_worker(split: Split) -> None:
    global _worker  # one per process; the body is loaded once
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    _stay_on_one_core()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _worker = split, split.generator()


def _stay_on_one_core() -> None:
    """Embree would build every scene with threads on all cores, which fight with the other workers' threads."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        number = multiprocessing.current_process()._identity[-1]
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def _make_chunk(chunk: range) -> list[Record]:
    if _worker is None:
        raise RuntimeError("worker was not started by _start_worker")
    split, generator = _worker
    return [_record(split, generator, index) for index in chunk]


def _record(split: Split, generator: Any, index: int) -> Record:
    return split.record(generator, index)
