"""A benchmark of four photographs that can stop in the middle of an evaluation."""

import time
from pathlib import Path

from datamodules.settings import CropSettings
from datamodules.synthetic import SyntheticDataModule


class HalfWay(SyntheticDataModule):
    """Its own small test split is what its protocol means, so that a complete run may store a result.

    Args:
        cache_dir: where the photographs lie.
        reached: file that is made when the second of two batches arrives; the run then waits to be stopped.
    """

    def __init__(self, cache_dir: str | None = None, reached: str | None = None) -> None:
        super().__init__(
            train_samples=1,
            val_samples=1,
            test_samples=4,
            image_size=96,
            cache_dir=cache_dir,
            generator_workers=1,
            crops=CropSettings(size=64),
            batch_size=2,
            num_workers=0,
        )
        self.reached = reached

    def on_after_batch_transfer(self, batch, dataloader_idx):
        if self.reached is not None and 2 in batch["index"].tolist():
            Path(self.reached).touch()
            time.sleep(600)
        return super().on_after_batch_transfer(batch, dataloader_idx)
