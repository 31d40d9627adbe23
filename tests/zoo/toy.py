"""A model and data small enough to run Lightning's loops in a second."""

from __future__ import annotations

import os
import signal

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class ToyModule(pl.LightningModule):
    """Fits y = 3x; `stop_at` sends this process a signal, Ctrl-C by default, at that step."""

    def __init__(self, lr: float = 0.1, stop_at: int = -1, stop_by: int = int(signal.SIGINT)) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(1, 1)
        self.lr, self.stop_at, self.stop_by = lr, stop_at, stop_by
        self.steps_seen: list[int] = []

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        self.steps_seen.append(self.global_step)
        if self.global_step == self.stop_at:
            os.kill(os.getpid(), self.stop_by)
        loss = (self.layer(batch[0]) - batch[1]).square().mean()
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self.log("val/error", (self.layer(batch[0]) - batch[1]).abs().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


class ToyData(pl.LightningDataModule):
    """Eight batches of x and 3x."""

    def __init__(self, batch_size: int = 2) -> None:
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        x = torch.linspace(-1, 1, 16).unsqueeze(1)
        return DataLoader(TensorDataset(x, 3 * x), self.batch_size)

    val_dataloader = train_dataloader
