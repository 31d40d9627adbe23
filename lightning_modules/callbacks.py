"""Callbacks for configurations: keep the best checkpoint, stop when nothing improves, by the protocol's first metric.

`_base/best` has both. They are Lightning's own, which need the metric and its direction spelled out; these take them
from the model's protocol.
"""

# ruff: noqa: ARG002  (Lightning fixes the signatures of its hooks)

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

from lightning_modules.base import PoseModule


class BestCheckpoint(ModelCheckpoint):
    """Keeps the checkpoint with the best validation, `best-STEP.ckpt`, beside the last one, and names it at the end."""

    def __init__(self) -> None:
        super().__init__(save_top_k=1, save_last=True)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Learn the metric and its direction.

        Raises:
            ValueError: the model has no protocol.
        """
        metric, mode = primary_metric(pl_module)
        super().__init__(
            self.dirpath,
            filename="best-{step}",
            auto_insert_metric_name=False,
            monitor=metric,
            mode=mode,
            save_top_k=1,
            save_last=True,
        )
        super().setup(trainer, pl_module, stage)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print where the best checkpoint is."""
        if trainer.is_global_zero and self.best_model_path and self.best_model_score is not None:
            score = float(self.best_model_score)
            print(f"Best checkpoint: {self.best_model_path} ({self.monitor} {score:.4g})", flush=True)


class StopEarly(EarlyStopping):
    """Ends a training whose validation has not improved for some time, and says so.

    Args:
        patience: validations without improvement.
        min_delta: smallest change that is an improvement, in the metric's unit.
    """

    def __init__(self, patience: int = 5, min_delta: float = 0.0) -> None:
        super().__init__("val/primary", min_delta=min_delta, patience=patience)
        self._arguments: dict[str, Any] = {"patience": patience, "min_delta": min_delta}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Learn the metric and its direction.

        Raises:
            ValueError: the model has no protocol.
        """
        metric, mode = primary_metric(pl_module)
        super().__init__(metric, mode=mode, **self._arguments)
        super().setup(trainer, pl_module, stage)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print why the training ended, if it is because of this."""
        if trainer.is_global_zero and self.stopped_epoch:
            best = f"{self.monitor} {float(self.best_score):.4g}"
            print(f"Stopped early: no better than {best} in {self.patience} validations", flush=True)


def primary_metric(model: pl.LightningModule) -> tuple[str, str]:
    """Name under which validation logs the first metric of a model's protocol, and `min` or `max`.

    Raises:
        ValueError: the model has no protocol.
    """
    if not isinstance(model, PoseModule):
        raise ValueError("this model has no protocol; give Lightning's own callback, with its `monitor`, instead")
    name = model.protocol.primary
    return f"val/{name}", "max" if model.protocol.info[name].higher_is_better else "min"
