"""Writes RootNet's answers as a result file, which other methods are tested with."""

# ruff: noqa: ARG002  (Lightning fixes the signatures of its hooks)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch.distributed
from pytorch_lightning.callbacks import Callback

from datamodules.batch import Batch
from datamodules.readers.root_file import RootResult, root_file_name, write_root_file
from lightning_modules.prediction import Prediction


class RootFileWriter(Callback):
    """After `zoo predict --config` with RootNet, writes boxes and root positions of everybody who was seen.

    A process of several writes what all of them saw. People whom a sampler repeats are written once.

    Args:
        benchmark: key of `datamodules.readers.root_file.METRES`.
        folder: where `bbox_root_<benchmark>_output.json` goes; the trainer's when omitted.

    Raises:
        ValueError: no such benchmark.
    """

    def __init__(self, benchmark: str, folder: str | None = None) -> None:
        self.benchmark, self.folder, self.name = benchmark, folder, root_file_name(benchmark)
        self._found: dict[int, RootResult] = {}

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Prediction,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the roots of a batch."""
        roots, boxes = outputs.joints[:, 0].double().tolist(), batch["box"].double().tolist()
        numbers = zip(batch["index"].tolist(), batch["image_id"].tolist(), batch["annotation_id"].tolist(), strict=True)
        for (index, image, person), root, box in zip(numbers, roots, boxes, strict=True):
            self._found[index] = RootResult(image, tuple(box), tuple(root), person if person >= 0 else None)

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the file, in the order of the split."""
        parts: list[Any] = [self._found]
        if trainer.world_size > 1:
            parts = [None] * trainer.world_size
            torch.distributed.all_gather_object(parts, self._found)
        if trainer.is_global_zero:
            found = {index: result for part in parts for index, result in part.items()}
            path = Path(self.folder or trainer.default_root_dir) / self.name
            write_root_file(path, [found[index] for index in sorted(found)], self.benchmark)
        self._found = {}
