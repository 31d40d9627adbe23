"""The open benchmark as a datamodule."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytorch_lightning as pl

from datamodules.base import BaseDataModule, splits_of
from datamodules.settings import DEFAULT_CROPS, CropSettings
from datamodules.synthetic.cache import Split, cache_root, ensure
from datamodules.synthetic.dataset import SyntheticSource
from datamodules.synthetic.rng import SPLITS, VERSION
from metrics.protocols.open_benchmark import OPEN


class SyntheticDataModule(BaseDataModule):
    """Rendered people on the open body, made on first use and cached.

    Args:
        train_samples: images to train on; any number, the first ones stay the same. A run whose `max_steps` end
            before it has seen them all makes only as many as it will see.
        val_samples: images to validate on.
        test_samples: images of the test split; 600 is the benchmark, anything else is not comparable.
        image_size: side of the images in pixels.
        seed: seed of the benchmark; 0 is the benchmark.
        cache_dir: where caches lie; `$ZOO_CACHE` or `~/.cache/human-mesh-zoo` when omitted.
        generator_workers: processes that make the images; all cores when omitted.
        protocol: one of `protocols`, the first when omitted; they differ in what of the same images is scored.
        crops, batch_size, num_workers: see `BaseDataModule`.

    Raises:
        ValueError: no such protocol, another body than the open one, or a split without samples.
    """

    protocols = tuple(protocol.id for protocol in OPEN)

    def __init__(
        self,
        train_samples: int = 20000,
        val_samples: int = 500,
        test_samples: int = 600,
        image_size: int = 192,
        seed: int = 0,
        cache_dir: str | None = None,
        generator_workers: int | None = None,
        protocol: str | None = None,
        crops: CropSettings = DEFAULT_CROPS,
        batch_size: int = 32,
        num_workers: int = 2,
    ) -> None:
        _check_body(crops)
        super().__init__(crops, batch_size, num_workers)
        protocol = protocol or VERSION
        if protocol not in self.protocols:
            raise ValueError(f"the open benchmark has no protocol {protocol!r}; use one of {', '.join(self.protocols)}")
        self.protocol = protocol
        samples = {"train": train_samples, "val": val_samples, "test": test_samples}
        if min(samples.values()) < 1:
            raise ValueError(f"every split needs at least one sample, got {samples}")
        self._splits = {name: Split(name, samples[name], image_size, seed) for name in SPLITS}
        self._cache_dir, self._generator_workers = cache_dir, generator_workers

    def use_crops(self, crops: CropSettings) -> None:
        """See `BaseDataModule.use_crops`."""
        _check_body(crops)
        super().use_crops(crops)

    def prepare_data(self) -> None:
        """Make what the trainer's stage needs, in one process only, before the others look for it."""
        if self.trainer is not None and self.trainer.state.fn is not None:
            for split in splits_of(self.trainer.state.fn.value):
                self.source(split)

    def source(self, split: str) -> SyntheticSource:
        """Raw samples of a split; they are made now unless they are cached."""
        folder = ensure(self._split(split), cache_root(self._cache_dir), self._generator_workers)
        return SyntheticSource(folder, split)

    def fingerprint(self, split: str) -> str:
        """See `datamodules.synthetic.scene.fingerprint`."""
        return self._split(split).fingerprint()

    def _split(self, name: str) -> Split:
        return as_far_as_seen(self._splits[name], self.trainer, self.batch_size)


def _check_body(crops: CropSettings) -> None:
    if crops.body != "open":
        raise ValueError(f"the open benchmark shows the open body, not {crops.body!r}; leave out `crops.body`")


_AnySplit = TypeVar("_AnySplit", bound=Split)


def as_far_as_seen(split: _AnySplit, trainer: pl.Trainer | None, batch_size: int) -> _AnySplit:
    """A split, without the training samples that a short run never gets to: all are drawn alike."""
    if split.name != "train" or trainer is None or trainer.max_steps < 0:
        return split
    seen = trainer.max_steps * trainer.accumulate_grad_batches * trainer.world_size * batch_size
    return replace(split, samples=min(split.samples, max(seen, batch_size)))
