"""Training that has become NaN or infinite is ended: every checkpoint after that would be worthless."""

# ruff: noqa: ARG002  (Lightning fixes the signatures of its hooks)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

_SKIPPED = 20  # steps in a row that float16's loss scaling may leave out while it looks for its scale


class FiniteTraining(Callback):
    """Counts steps in a row whose loss is not finite, on the device, and looks at the count every `every` steps.

    Args:
        every: steps between looks, each of which waits for the device.

    Raises:
        FloatingPointError: the losses are no longer finite, or a weight is not; before a checkpoint is written.
    """

    def __init__(self, every: int = 50) -> None:
        self.every, self._count = every, torch.zeros(())

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count; look now and then."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor):
            count = self._count.to(loss.device)
            self._count = torch.where(loss.detach().isfinite(), torch.zeros_like(count), count + 1)
        if trainer.global_step % self.every == 0:
            self._look(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the losses and at the weights."""
        self._look(trainer)
        check_finite(pl_module.state_dict(), "the weights")

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look before metrics are made of nothing."""
        if not trainer.sanity_checking:
            self._look(trainer)

    def _look(self, trainer: pl.Trainer) -> None:
        limit = _SKIPPED if str(trainer.precision) == "16-mixed" else 1
        if int(self._count) >= limit:
            raise FloatingPointError(
                f"the loss is NaN or infinite since step {trainer.global_step - int(self._count) + 1}; lower "
                "model.lr, set trainer.gradient_clip_val: 1.0, or look for NaN in the labels (zoo data check NAME)"
            )


def check_finite(state: Mapping[str, Tensor], what: str) -> None:
    """Refuse weights that no network can have.

    Raises:
        FloatingPointError: NaN or infinity, or a negative variance of a batch norm; the message names the first.
    """
    for name, value in state.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise FloatingPointError(f"{what} hold NaN or infinity in {name}")
        if name.endswith("running_var") and bool((value < 0).any()):
            raise FloatingPointError(f"{what} hold a negative variance in {name}")
