"""Training on shards; validation and test on a benchmark that is at hand."""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import Any

import torch
from torch.utils.data import DataLoader

from datamodules.base import BaseDataModule, CropDataset
from datamodules.sample import RawSample, Source
from datamodules.settings import DEFAULT_CROPS, CropSettings
from datamodules.shards.index import read_index
from datamodules.shards.stream import ShardLoader, ShardStream
from metrics import SplitLabels


class ShardDataModule(BaseDataModule):
    """Training samples from tar files, read one after the other, of which no more than a few are at hand at a time.

    Every epoch gives each shard to one loading process (`devices` times `num_workers`), in another order. A training
    that is resumed in the middle of an epoch skips what it has seen, which is read but not decoded.

    Args:
        root: folder or https address that `zoo data shard` has written.
        evaluated: benchmark to validate and test on; its crops give way to these.
        buffer: samples, as stored, that each loading process mixes; neighbours in a shard stay near each other with
            less.
        seed: of the order of shards and samples.
        crops: see `BaseDataModule`.
        batch_size: see `BaseDataModule`.
        num_workers: see `BaseDataModule`.

    Raises:
        MissingExtra: webdataset is not installed.
    """

    def __init__(
        self,
        root: str,
        evaluated: BaseDataModule,
        buffer: int = 1000,
        seed: int = 0,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(crops, batch_size, num_workers)
        self.root, self.evaluated, self.buffer, self.seed = root, evaluated, buffer, seed
        self.protocol = evaluated.protocol
        evaluated.use_crops(crops)

    @property
    def gendered(self) -> bool:
        """As of the benchmark to evaluate on."""
        return self.evaluated.gendered

    def prepare_data(self) -> None:
        """Prepare the benchmark to evaluate on."""
        self.evaluated.trainer = self.trainer
        self.evaluated.prepare_data()

    def use_crops(self, crops: CropSettings) -> None:
        """See `BaseDataModule.use_crops`."""
        super().use_crops(crops)
        self.evaluated.use_crops(crops)

    def source(self, split: str) -> Source:
        """Raw samples of `val` or `test`; those of `train` have no positions."""
        return _Nothing() if split == "train" else self.evaluated.source(split)

    def dataset(self, split: str) -> CropDataset:
        """See `BaseDataModule.dataset`; `val` and `test` are those of the benchmark."""
        return super().dataset(split) if split == "train" else self.evaluated.dataset(split)

    def fingerprint(self, split: str) -> str:
        """Of the shards' hashes, or of the benchmark's split."""
        if split != "train":
            return self.evaluated.fingerprint(split)
        return hashlib.sha256(json.dumps(read_index(self.root).as_json()).encode()).hexdigest()

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Batches of the shards of this process."""
        warnings.filterwarnings("ignore", message="Your `IterableDataset` has `__len__`")  # it is exact here
        stream = ShardStream(self.root, read_index(self.root), self.dataset("train"), self.buffer, self.seed)
        processes = 1 if self.trainer is None else self.trainer.world_size
        options = (self.batch_size, self.num_workers, processes, self._epoch, torch.cuda.is_available())
        return self.resumable(ShardLoader(stream, *options))

    def _epoch(self) -> int:
        return 0 if self.trainer is None else self.trainer.current_epoch

    def split_labels(self) -> SplitLabels:
        """See `BaseDataModule.split_labels`."""
        return self.evaluated.split_labels()

    def check_test_split(self) -> None:
        """See `BaseDataModule.check_test_split`."""
        self.evaluated.check_test_split()


class _Nothing:
    """In place of a source with positions."""

    def __len__(self) -> int:
        return 0

    def __getitem__(self, index: int) -> RawSample:
        raise IndexError(index)
