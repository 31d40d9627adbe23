"""What the open benchmarks share: rendered people on the open body, made on first use."""

from __future__ import annotations

from abc import ABC
from dataclasses import replace
from typing import TypeVar

from body.choices import unknown_name
from datamodules.base import BaseDataModule, splits_of
from datamodules.settings import CropSettings
from datamodules.synthetic.cache import Split

_AnySplit = TypeVar("_AnySplit", bound=Split)


class RenderedDataModule(BaseDataModule, ABC):
    """A benchmark that is rendered by this project.

    Args:
        protocol: one of `protocols`, the first when omitted.
        crops, batch_size, num_workers: see `BaseDataModule`.

    Raises:
        ValueError: no such protocol, or another body than the open one.
    """

    protocols: tuple[str, ...]
    """Names of the protocols that its test split stands for."""

    def __init__(self, protocol: str | None, crops: CropSettings, batch_size: int, num_workers: int) -> None:
        super().__init__(crops, batch_size, num_workers)
        _check_body(crops)
        if protocol is not None and protocol not in self.protocols:
            raise ValueError(f"{self.protocols[0]} has {unknown_name('protocol', protocol, self.protocols)}")
        self.protocol = protocol or self.protocols[0]

    def use_crops(self, crops: CropSettings) -> None:
        """See `BaseDataModule.use_crops`."""
        _check_body(crops)
        super().use_crops(crops)

    def prepare_data(self) -> None:
        """Render what the trainer's stage needs, in one process only, before the others look for it."""
        if self.trainer is not None and self.trainer.state.fn is not None:
            for split in splits_of(self.trainer.state.fn.value):
                self.source(split)

    def setup(self, stage: str | None = None) -> None:
        """See `BaseDataModule.setup`; the trainer's next run may see more training samples than its last one."""
        self._datasets.pop("train", None)
        super().setup(stage)

    def as_far_as_seen(self, split: _AnySplit) -> _AnySplit:
        """A split, without the training samples that a short run never gets to: all are drawn alike."""
        trainer = self.trainer
        if split.name != "train" or trainer is None or trainer.max_steps < 0:
            return split
        seen = trainer.max_steps * trainer.accumulate_grad_batches * trainer.world_size * self.batch_size
        return replace(split, samples=min(split.samples, max(seen, self.batch_size)))


def check_samples(samples: dict[str, int]) -> None:
    """Refuse a split without samples.

    Raises:
        ValueError: there is one.
    """
    if min(samples.values()) < 1:
        raise ValueError(f"every split needs at least one sample, got {samples}")


def _check_body(crops: CropSettings) -> None:
    if crops.body != "open":
        raise ValueError(f"the open benchmark shows the open body, not {crops.body!r}; leave out `crops.body`")
