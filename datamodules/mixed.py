"""Training sets mixed from several benchmarks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from torch.utils.data import ConcatDataset, DataLoader
from torch.utils.data.distributed import DistributedSampler

from datamodules.base import BaseDataModule, splits_of
from datamodules.files import FileDataModule
from datamodules.sample import Source
from datamodules.settings import DEFAULT_CROPS, CropSettings
from metrics import SplitLabels


class MixSampler(DistributedSampler[int]):
    """Positions in concatenated data sets, so that each set has its share of every batch.

    A set that is smaller than its share is gone through again, in another order; one that is larger gives other samples
    in the next epoch. Processes take disjoint samples.

    Args:
        sizes: number of samples of each set.
        shares: of each set in the samples drawn; they sum to 1.
        samples: drawn per epoch and process, a multiple of `batch_size`.
        batch_size: samples that are seen together.
        exact: every batch holds the shares as closely as whole numbers can; otherwise they hold on average, each sample
            being drawn on its own.
        processes: how many there are.
        rank: this process.
        seed: of the draws.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        shares: Sequence[float],
        samples: int,
        batch_size: int,
        exact: bool,
        processes: int = 1,
        rank: int = 0,
        seed: int = 0,
    ) -> None:
        # a DistributedSampler in Lightning's eyes, which tells it the epoch and puts no other one around it
        super().__init__(range(samples * processes), processes, rank, shuffle=True, seed=seed)  # type: ignore[arg-type]
        self.sizes, self.shares, self.samples = [int(size) for size in sizes], list(shares), samples
        self.batch_size, self.exact = batch_size, exact

    def __len__(self) -> int:
        return self.samples

    def __iter__(self) -> Iterator[int]:
        sets = self._sets(np.random.default_rng((self.seed, self.epoch, self.rank)))
        positions = np.zeros(self.samples, np.int64)
        for number, size in enumerate(self.sizes):
            mine = np.flatnonzero(sets == number)
            # the same generator in all processes, each of which takes its own slice of one order
            order = _endless_permutations(np.random.default_rng((self.seed, self.epoch, number)), size)
            needed = len(mine) * self.num_replicas
            taken = np.concatenate([np.zeros(0, np.int64), *(next(order) for _ in range(-(-needed // size)))])
            positions[mine] = sum(self.sizes[:number]) + taken[self.rank : needed : self.num_replicas]
        return iter(positions.tolist())

    def _sets(self, rng: np.random.Generator) -> Int[np.ndarray, " samples"]:
        """Which set each sample is from."""
        batches = -(-self.samples // self.batch_size)
        if self.exact:  # systematic sampling: evenly spaced points on the line of shares
            points = (np.arange(self.batch_size) + rng.random((batches, 1))) / self.batch_size
            points = rng.permuted(points, axis=1).reshape(-1)[: self.samples]
        else:
            points = rng.random(self.samples)
        bounds = np.cumsum(self.shares) / sum(self.shares)
        return np.minimum(np.searchsorted(bounds, points, side="right"), len(self.sizes) - 1)


def _endless_permutations(rng: np.random.Generator, size: int) -> Iterator[Int[np.ndarray, " size"]]:
    while True:
        yield rng.permutation(size)


class MixedDataModule(BaseDataModule):
    """Training samples from several benchmarks; validation and test on one of them.

    Args:
        parts: benchmarks with a training split. Their crops (the body too) and batch sizes give way to those of the
            mix; each decodes its SMPL parameters with the body, neutral or of each person's gender, as it does alone.
        shares: of each part in the samples; the same for all when omitted.
        evaluated: benchmark to validate and test on; the first part when omitted.
        exact: every batch has the shares (half 3D and half 2D in I2L-MeshNet, HEMlets and CDL); otherwise each sample
            is drawn by them (SPIN, DaNet).
        epoch_samples: samples of an epoch, over all processes; the largest part's number divided by its share when
            omitted, so that every sample of it is seen once.
        protocol: of the benchmark to evaluate on and of the parts from it, where they are `FileDataModule`s; their own
            when omitted.
        crops: see `BaseDataModule`.
        batch_size: see `BaseDataModule`.
        num_workers: see `BaseDataModule`.

    Raises:
        ValueError: no parts, shares that do not fit them, or a protocol that the benchmark does not have.
    """

    def __init__(
        self,
        parts: list[BaseDataModule],
        shares: list[float] | None = None,
        evaluated: BaseDataModule | None = None,
        exact: bool = True,
        epoch_samples: int | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        super().__init__(crops, batch_size, num_workers)
        if not parts or (shares is not None and (len(shares) != len(parts) or min(shares) <= 0)):
            raise ValueError(f"a mix needs parts, and a positive share of each: {len(parts)} parts, shares {shares}")
        total = sum(shares) if shares else len(parts)
        self.shares = [share / total for share in shares or [1.0] * len(parts)]
        self.parts, self.evaluated = parts, evaluated or parts[0]
        self.exact, self.epoch_samples = exact, epoch_samples
        for module in self._modules() if protocol else ():
            if isinstance(module, FileDataModule) and type(module) is type(self.evaluated):
                module.use_protocol(str(protocol))
        self.protocol = self.evaluated.protocol
        for module in self._modules():
            module.use_crops(crops)
        self._train: ConcatDataset[dict[str, Any]] | None = None

    def prepare_data(self) -> None:
        """Prepare every benchmark."""
        for module in self._modules():
            module.trainer = self.trainer
            module.prepare_data()

    def _modules(self) -> Iterable[BaseDataModule]:
        return {id(module): module for module in (*self.parts, self.evaluated)}.values()

    @property
    def gendered(self) -> bool:
        """Of the benchmark to evaluate on; for training every part has its own."""
        return self.evaluated.gendered

    def use_crops(self, crops: CropSettings) -> None:
        """See `BaseDataModule.use_crops`; for all benchmarks."""
        super().use_crops(crops)
        self._train = None
        for module in self._modules():
            module.use_crops(crops)

    def source(self, split: str) -> Source:
        """Raw samples of the benchmark to evaluate on, or those of the first part."""
        return (self.parts[0] if split == "train" else self.evaluated).source(split)

    def fingerprint(self, split: str) -> str:
        """Of the benchmark to evaluate on; for training, of all parts and shares."""
        if split != "train":
            return self.evaluated.fingerprint(split)
        prints = [f"{share:.6f} {part.fingerprint(split)}" for share, part in zip(self.shares, self.parts, strict=True)]
        return hashlib.sha256("\n".join(prints).encode()).hexdigest()

    def check_test_split(self) -> None:
        """See `BaseDataModule.check_test_split`."""
        self.evaluated.check_test_split()

    def split_labels(self) -> SplitLabels:
        """See `BaseDataModule.split_labels`."""
        return self.evaluated.split_labels()

    def setup(self, stage: str | None = None) -> None:
        """Open what a stage needs; rendered parts may be longer in the trainer's next run."""
        self._train = None
        for split in splits_of(stage):
            if split == "train":
                self.mix()
            else:
                self.dataset(split)

    def mix(self) -> ConcatDataset[dict[str, Any]]:
        """The training crops of all parts, one after the other."""
        if self._train is None:
            self._train = ConcatDataset(
                [self.crops_of(part.source("train"), "train", part.gendered) for part in self.parts]
            )
        return self._train

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Batches with the shares of the mix."""
        mix = self.mix()
        sizes = np.diff(mix.cumulative_sizes, prepend=0).tolist()
        processes, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        wanted = self.epoch_samples or int(max(size / share for size, share in zip(sizes, self.shares, strict=True)))
        samples = max(1, wanted // (processes * self.batch_size)) * self.batch_size
        sampler = MixSampler(sizes, self.shares, samples, self.batch_size, self.exact, processes, rank)
        return self.loader(mix, sampler)
