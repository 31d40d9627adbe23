"""Writes `pred.json` during `zoo predict --config`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from datamodules.freihand.submission import write_submission


class FreiHandWriter(Callback):
    """After predictions of the evaluation split, writes them as FreiHAND's server and script take them.

    Args:
        path: of the file; `pred.json` in the trainer's folder when omitted.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path
        self._hands: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Begin anew.

        Raises:
            ValueError: there are several processes, none of which has all predictions.
        """
        if trainer.world_size > 1:
            raise ValueError("FreiHandWriter writes the predictions of one process; set trainer.devices: 1")
        self._hands = {}

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,  # noqa: ARG002
        pl_module: pl.LightningModule,  # noqa: ARG002
        outputs: Any,
        batch: Mapping[str, Any],
        batch_idx: int,  # noqa: ARG002
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Keep joints and meshes of a batch, by their images' numbers.

        Raises:
            ValueError: these are no hands.
        """
        if outputs.vertices is None or (outputs.joints.shape[1], outputs.vertices.shape[1]) != (21, 778):
            raise ValueError("FreiHAND takes 21 joints and MANO's 778 vertices; set body: mano, skeleton: mano21")
        joints, vertices = outputs.joints.detach().cpu().numpy(), outputs.vertices.detach().cpu().numpy()
        for row, index in enumerate(batch["index"].tolist()):
            self._hands[index] = joints[row], vertices[row]

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Write all, in the order of the images."""
        hands = [self._hands[index] for index in sorted(self._hands)]
        path = Path(self.path) if self.path else Path(trainer.default_root_dir) / "pred.json"
        write_submission(path, *(np.stack(part) for part in zip(*hands, strict=True)))
        print(f"Stored {path}")
