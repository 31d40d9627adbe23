"""Crops of shards: a stream that loading processes share, and its loader."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from torch.utils.data import IterableDataset

from body.extras import import_extra
from datamodules.base import CropDataset, collate
from datamodules.resumable import Resumable
from datamodules.sample import RawSample
from datamodules.shards.index import Index, Shard, place_of
from datamodules.shards.record import decode_sample


class ShardStream(IterableDataset[dict[str, Any]]):
    """Crops of the shards of this loading process; samples are mixed within a buffer of encoded ones.

    Args:
        root: see `ShardDataModule`.
        index: of it.
        crops: what makes crops of samples.
        buffer: see `ShardDataModule`.
        seed: of the order.
    """

    epoch = 0
    seen: Sequence[int] = ()
    """Samples that each worker of this process skips; none when empty."""
    first = 0
    """Which of the workers' parts the first worker reads, and so on in turn."""

    def __init__(self, root: str, index: Index, crops: CropDataset, buffer: int = 1000, seed: int = 0) -> None:
        self.root, self.index, self.crops, self.buffer, self.seed = root, index, crops, buffer, seed

    def __iter__(self) -> Iterator[dict[str, Any]]:
        library = import_extra("webdataset", "shards")
        rank, processes, worker, workers = library.utils.pytorch_worker_info()
        parts = self.index.assigned(self.seed, self.epoch, processes * workers)
        part = (worker + self.first) % workers
        number = rank * workers + part
        records = (record for shard in parts[number] for record in self.records(shard))
        order = random.Random(f"{self.seed} {self.epoch} {number}")
        mixed = library.shuffle(self.buffer, initial=self.buffer, rng=order)(records) if self.buffer > 1 else records
        rest = islice(mixed, self.seen[part] if self.seen else 0, None)
        return (self.crops.crop(self.sample(record)) for record in rest)

    def records(self, shard: Shard) -> Iterator[dict[str, Any]]:
        """The files of a shard's samples, one sample after the other.

        Raises:
            ValueError: the shard cannot be read, or does not hold the samples that the index says.
        """
        place, read = place_of(self.root, shard.name), 0
        try:
            for record in import_extra("webdataset", "shards").tarfile_to_samples()([{"url": place}]):
                read += 1
                yield record
        except (OSError, tarfile.TarError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())[:100] or type(error).__name__
            raise ValueError(_damaged(place, read, shard, reason)) from None
        if read != shard.samples:
            raise ValueError(_damaged(place, read, shard, "it ends there"))

    def sample(self, record: dict[str, Any]) -> RawSample:
        """The raw sample of a record.

        Raises:
            ValueError: it is damaged.
        """
        try:
            return decode_sample(record)
        except ValueError as error:
            place = f"{record['__url__']}, sample {record['__key__']}"
            raise ValueError(f"{place}: {error}; write or download the shard again") from None


def _damaged(place: str, read: int, shard: Shard, reason: str) -> str:
    return (
        f"{place} is damaged after {read} of {shard.samples} samples ({reason}); write or download it again, SHA-256 "
        f"{shard.sha256[:12]}..."
    )


class ShardLoader(Resumable):
    """Batches of a stream, as many in every process, so that none waits for another that has ended.

    Args:
        stream: of crops.
        batch_size: samples a batch; what does not fill one in a worker is left out of the epoch.
        num_workers: processes that read.
        processes: that train.
        epoch: which one it is; every epoch has another order.
        pin_memory: see `DataLoader`.
    """

    def __init__(
        self,
        stream: ShardStream,
        batch_size: int,
        num_workers: int,
        processes: int,
        epoch: Callable[[], int],
        pin_memory: bool = False,
    ) -> None:
        super().__init__(
            stream, batch_size, num_workers=num_workers, drop_last=True, collate_fn=collate, pin_memory=pin_memory
        )
        self.stream, self.processes, self.epoch, self._order = stream, processes, epoch, -1

    def __len__(self) -> int:
        if self._state is not None:
            return self._batches(self._state["order"])
        return self._length if self._given < self._length else self._batches(self._next())

    def _batches(self, order: int) -> int:
        workers, seed, size = max(1, self.num_workers), self.stream.seed, self.batch_size or 1
        return self.stream.index.batches(seed, order, self.processes, workers, size)

    def _next(self) -> int:
        """Lightning, resumed at the end of an epoch, still calls the next one by the number of the last."""
        return max(self.epoch(), self._order + 1)

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        self._order = self._next() if self._state is None else self._state["order"]
        self.stream.epoch, given = self._order, self.begin()
        self._skip(given)
        length = self._batches(self._order)
        return self.counted(islice(super().__iter__(), length - given), length)

    def state_dict(self) -> dict[str, Any]:
        """See `Resumable.state_dict`; `order` is the epoch that comes, or the one that goes on."""
        state = super().state_dict()
        return {**state, "order": self._order + (state["seed"] is None)}

    def _skip(self, given: int) -> None:
        """Let the stream go on after some batches, which workers have given in turn, each until it had no more."""
        workers, size = max(1, self.num_workers), self.batch_size or 1
        rank = import_extra("webdataset", "shards").utils.pytorch_worker_info()[0]
        parts = self.stream.index.assigned(self.stream.seed, self.stream.epoch, self.processes * workers)
        whole = [sum(shard.samples for shard in part) // size for part in parts[rank * workers :][:workers]]
        turns = [part for turn in range(max(whole)) for part in range(workers) if turn < whole[part]]
        self.stream.seen = [size * turns[:given].count(part) for part in range(workers)]
        self.stream.first = turns[given] if given < len(turns) else 0
