"""Writes 3DMPPE's result files during `zoo test`."""

from __future__ import annotations

from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from datamodules.mupots.datamodule import MupotsDataModule
from datamodules.mupots.results import write_results
from metrics import People
from metrics.tasks import PeopleTask


class MupotsWriter(Callback):
    """After a test on MuPoTS-3D, writes everybody who was predicted, for the authors' MATLAB evaluation.

    Args:
        folder: where `preds_2d_kpt_mupots.mat` and `preds_3d_kpt_mupots.mat` go; the trainer's when omitted.
    """

    def __init__(self, folder: str | None = None) -> None:
        self.folder = folder

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Gather the people of all processes, and write them in the first one; before the metrics are reset."""
        task, datamodule = pl_module.metrics, trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(task, PeopleTask) or not isinstance(datamodule, MupotsDataModule):
            raise TypeError("MupotsWriter writes tests of a mupots protocol on MupotsDataModule only")
        metric = task.metric
        with metric.sync_context():
            found = metric.people()
        if trainer.is_global_zero:
            joints = len(metric.skeleton)
            nobody = People(torch.zeros(0, joints, 3), torch.zeros(0, joints, 2))
            images = {key: found.get(number, nobody) for number, key in datamodule.image_keys().items()}
            write_results(Path(self.folder or trainer.default_root_dir), images)
