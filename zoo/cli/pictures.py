"""Pictures of predictions and the protocol's table, for the loggers that can show them."""

# ruff: noqa: ARG002  (Lightning fixes the signatures of its hooks)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from jaxtyping import UInt8
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

from body.draw import mesh_overlay, skeleton_overlay
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction

KEY = "predictions"


class LogPictures(Callback):
    """Logs the first people of every validation or test, and its numbers as a table, to TensorBoard and W&B.

    A picture is the crop with the labels, with the predicted joints, and with the predicted mesh where there is one.

    Args:
        people: how many.
    """

    def __init__(self, people: int = 4) -> None:
        self.people = people

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Log pictures of the first batch; predicting its first people again is cheaper than keeping all."""
        if batch_idx or dataloader_idx or trainer.sanity_checking or not trainer.is_global_zero:
            return
        if not isinstance(pl_module, PoseModule):
            return
        few = cast("Batch", {key: value[: self.people] for key, value in dict(batch).items()})
        with torch.no_grad():
            prediction = pl_module.predict_step(few, 0)
        pictures = draw_predictions(few, prediction, pl_module)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image(KEY, list(pictures))
            elif isinstance(logger, TensorBoardLogger):
                logger.experiment.add_images(KEY, np.stack(pictures), trainer.global_step, dataformats="NHWC")

    on_test_batch_end = on_validation_batch_end

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the protocol's table."""
        self._log_table(trainer, pl_module, "val")

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the protocol's table."""
        self._log_table(trainer, pl_module, "test")

    def _log_table(self, trainer: pl.Trainer, model: pl.LightningModule, stage: str) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero or not isinstance(model, PoseModule):
            return
        info, logged = model.protocol.info, trainer.callback_metrics
        values = {name: float(logged[f"{stage}/{name}"]) for name in info if f"{stage}/{name}" in logged}
        rows = [[info[name].label, info[name].format(value), info[name].unit] for name, value in values.items()]
        key, columns = f"{stage}/{model.protocol.id}", ["metric", "value", "unit"]
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_table(key, columns=columns, data=rows)
            elif isinstance(logger, TensorBoardLogger):
                lines = [" | ".join(row) for row in (columns, ["---"] * len(columns), *rows)]
                logger.experiment.add_text(key, "\n".join(lines), trainer.global_step)


def draw_predictions(
    batch: Batch, prediction: Prediction, model: PoseModule
) -> Sequence[UInt8[np.ndarray, "height width 3"]]:
    """A picture per person: the crop with labels, with predicted joints, and with the predicted mesh."""
    return [_draw(batch, prediction, model, row) for row in range(len(batch["image"]))]


def _draw(batch: Batch, prediction: Prediction, model: PoseModule, row: int) -> UInt8[np.ndarray, "height width 3"]:
    crop = batch["image"][row].permute(1, 2, 0).mul(255).round().byte().cpu().numpy()
    affine = batch["crop_affine"][row].double().cpu().numpy()
    labels, valid = batch["joints_2d"][row].cpu().numpy(), batch["joints_2d_valid"][row].cpu().numpy()
    pixels = prediction.joints_2d[row].double().cpu().numpy() @ affine[:, :2].T + affine[:, 2]
    panels = [
        skeleton_overlay(crop, labels, model.batch_skeleton or model.skeleton, valid),
        skeleton_overlay(crop, pixels.astype(np.float32), prediction.skeleton, np.isfinite(pixels).all(-1)),
    ]
    if prediction.vertices is not None and prediction.faces is not None:
        vertices, faces = prediction.vertices[row].float().cpu().numpy(), np.asarray(prediction.faces, np.int64)
        to_crop = np.concatenate([affine, [[0.0, 0.0, 1.0]]])
        camera = to_crop @ batch["intrinsics"][row].double().cpu().numpy()
        panels.append(mesh_overlay(crop, vertices, faces, camera))
    return np.concatenate(panels, axis=1)
