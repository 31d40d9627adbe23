"""Lightning callbacks of the command line: progress, checkpoint on interruption, and prediction files."""

# ruff: noqa: ARG002  (Lightning fixes the signatures of its hooks)

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import BasePredictionWriter, Callback, RichProgressBar
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor

from body.atomic import atomic_file
from lightning_modules.prediction import Prediction
from zoo.checkpoints.lightning_files import ORIGIN_KEY


class ValidationLine(Callback):
    """Prints one line of metrics after every validation, for logs without a progress bar."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the epoch, the step, the minutes since the start, and every logged number."""
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        overall = [name for name in sorted(trainer.callback_metrics) if name.count("/") < 2]  # no breakdowns
        minutes = (time.monotonic() - self.start) / 60
        text = "  ".join(f"{name} {float(trainer.callback_metrics[name]):.4g}" for name in overall)
        print(f"epoch {trainer.current_epoch}  step {trainer.global_step}  {minutes:.1f} min  {text}", flush=True)


class SaveOnInterrupt(Callback):
    """Ctrl-C or SIGTERM during `zoo fit` saves a checkpoint and says how to go on from it.

    Args:
        folder: where the checkpoint is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Save when the exception is one of these two, in training that has taken at least one step."""
        if not isinstance(exception, KeyboardInterrupt | SIGTERMException) or trainer.global_step == 0:
            return
        path = self.folder / "last-interrupted.ckpt"  # `--ckpt_path last` takes the newest file called last*
        trainer.save_checkpoint(path, weights_only=False)  # with the optimiser
        if trainer.is_global_zero:
            print(f"\nStopped at step {trainer.global_step}. To go on, repeat the command with --ckpt_path {path}")


class SaveOrigin(Callback):
    """Checkpoints say which command wrote them; `zoo package` hands it on to the weights file, `zoo push` to the card.

    Args:
        command: line of the run.
        config: name of its first configuration.
    """

    def __init__(self, command: str, config: str) -> None:
        self.origin = {"command": command, "config": config}

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add them."""
        checkpoint[ORIGIN_KEY] = dict(self.origin)


class PredictionWriter(BasePredictionWriter):
    """`zoo predict --config` writes one `.npz` per batch: sample indices, joints and vertices in metres.

    Args:
        folder: where the files go.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(write_interval="batch")
        self.folder = folder

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Prediction,
        batch_indices: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the tensors of `prediction` with the batch's `index`; atomically, one file per batch and rank."""
        arrays: dict[str, np.ndarray] = {"index": batch["index"].cpu().numpy()}
        for field in dataclasses.fields(prediction):
            value = getattr(prediction, field.name)
            if isinstance(value, Tensor):
                arrays[field.name] = value.detach().float().cpu().numpy()
        target = self.folder / f"batch_{dataloader_idx}_{trainer.global_rank}_{batch_idx:05d}.npz"
        with atomic_file(target) as partial, partial.open("wb") as stream:
            np.savez(stream, skeleton=np.array(prediction.skeleton.name), **arrays)  # type: ignore[arg-type]


def progress_callbacks(root: Path, bar: bool) -> list[Callback]:
    """Callbacks of every run: a progress bar on a terminal, a line per validation elsewhere, a safe Ctrl-C.

    Args:
        root: folder of the run.
        bar: whether the trainer may show a progress bar.
    """
    progress: Callback = RichProgressBar() if bar and sys.stdout.isatty() else ValidationLine()
    return [progress, SaveOnInterrupt(root / "checkpoints")]
