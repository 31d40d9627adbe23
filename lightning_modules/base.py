"""The LightningModule that every method starts from."""

from __future__ import annotations

import math

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from body.skeleton import Skeleton
from datamodules.base import BaseDataModule
from datamodules.batch import Batch
from lightning_modules.prediction import Prediction
from metrics import build_task, get_protocol, overall

SCHEDULES = ("multistep", "cosine", "poly")


class PoseModule(LightningModule):
    """Training, evaluation and prediction of a single-person method.

    A method supplies `network`, `skeleton`, `losses` and `predict`. Labels and predictions travel as `Batch` and
    `Prediction`.

    Args:
        lr: learning rate of Adam.
        schedule: `multistep` (times `lr_factor` at the epochs `milestones`), `cosine` or `poly` (to zero over all
            steps).
        milestones: epochs of the multistep schedule.
        lr_factor: its factor.
        warmup_steps: steps of linear warm-up, for `cosine` and `poly`.
        protocol: evaluation protocol whose metrics validation and test report.

    Raises:
        ValueError: unknown schedule.
    """

    network: nn.Module
    skeleton: Skeleton
    """Joint set of the predictions."""
    batch_skeleton: Skeleton | None = None
    """Joint set of the labels, where it is another one."""
    crop_size: int
    """Side of the crops that it reads, pixels."""
    _frozen: tuple[nn.Module, nn.Module | None] | None = None

    def __init__(
        self,
        lr: float,
        schedule: str,
        milestones: list[int],
        lr_factor: float,
        warmup_steps: int,
        protocol: str,
    ) -> None:
        super().__init__()
        if schedule not in SCHEDULES:
            raise ValueError(f"no schedule {schedule!r}; use one of {', '.join(SCHEDULES)}")
        self.lr, self.schedule, self.milestones, self.lr_factor = lr, schedule, milestones, lr_factor
        self.warmup_steps = warmup_steps
        self.protocol = get_protocol(protocol)
        self.metrics = build_task(self.protocol)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Weighted loss terms of a batch, by name; training minimises their sum."""
        raise NotImplementedError

    def predict(self, batch: Batch) -> Prediction:
        """Typed prediction for a batch."""
        raise NotImplementedError

    def freeze_part(self, part: nn.Module, except_: nn.Module | None = None) -> None:
        """Never train a part, except for one inside it: no gradients, and in eval mode, so that its statistics stay."""
        part.requires_grad_(False)
        if except_ is not None:
            except_.requires_grad_(True)
        self._frozen = part, except_
        self.train()  # Lightning keeps the modes that it finds, and calls nothing

    def train(self, mode: bool = True) -> PoseModule:
        """As `nn.Module.train`, without what is frozen."""
        super().train(mode)
        if self._frozen is not None:
            part, except_ = self._frozen
            part.eval()
            if except_ is not None:
                except_.train(mode)
        return self

    def on_fit_start(self) -> None:
        """Train, also what `zoo.load` gave in eval mode, which Lightning would keep.

        Weights are stored channels-last where convolutions are slower otherwise: in half precision, and on CPUs.
        """
        self.train()
        if "mixed" in str(self.trainer.precision) or self.device.type == "cpu":
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def on_test_start(self) -> None:
        """Let the datamodule hand the metrics what they need of the whole split."""
        self._prepare_task()

    def on_validation_start(self) -> None:
        """As `on_test_start`."""
        self._prepare_task()

    def _prepare_task(self) -> None:
        datamodule = getattr(self.trainer, "datamodule", None)
        if isinstance(datamodule, BaseDataModule):
            self.metrics.prepare(datamodule.split_labels())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002 (Lightning's signature)
        """Sum of the losses; every term is logged under its name.

        Raises:
            ValueError: crops or joints are not those of the model.
        """
        self._check_crops(batch)
        joints, known = batch["joints"].shape[1], self.batch_skeleton or self.skeleton
        if joints != len(known):
            raise ValueError(
                f"labels of {joints} joints for a model that learns {known.name}, which has {len(known)}; set "
                f"crops.skeleton: {known.name} in the data"
            )
        losses = self.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        size = len(batch["image"])
        self.log_dict({f"train/{name}": value.detach() for name, value in losses.items()}, batch_size=size)
        self.log("train/loss", total.detach(), prog_bar=True, batch_size=size)
        return total

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Update the protocol's metrics."""
        self._score(batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Update the protocol's metrics."""
        self._score(batch)

    def _score(self, batch: Batch) -> None:
        self._check_crops(batch)
        self.metrics.update(self.predict(batch), batch)

    def _check_crops(self, batch: Batch) -> None:
        side = batch["image"].shape[-1]
        if side != self.crop_size:
            raise ValueError(
                f"crops of {side} pixels for a model that reads {self.crop_size}; set crops.size: {self.crop_size} in "
                f"the data"
            )

    def on_validation_epoch_end(self) -> None:
        """Log the metrics over all samples, under `val/`; they are exact over processes, nothing is left to sync."""
        self.log_dict({f"val/{name}": value for name, value in overall(self.metrics.compute()).items()})
        self.metrics.reset()

    def on_test_epoch_end(self) -> None:
        """Log the metrics over all samples and per group, under `test/`."""
        self.log_dict({f"test/{name}": value for name, value in self.metrics.compute().items()})
        self.metrics.reset()

    def predict_step(self, batch: Batch, batch_idx: int) -> Prediction:  # noqa: ARG002
        """Typed prediction for a batch."""
        self._check_crops(batch)
        return self.predict(batch)

    def optimizer(self) -> torch.optim.Optimizer:
        """Adam over the trainable weights; a method may have its own."""
        return torch.optim.Adam([weight for weight in self.parameters() if weight.requires_grad], lr=self.lr)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser, with the chosen schedule.

        Raises:
            ValueError: a schedule that falls to zero, in a training without an end.
        """
        optimizer = self.optimizer()
        if self.schedule == "multistep":
            steps = torch.optim.lr_scheduler.MultiStepLR(optimizer, self.milestones, gamma=self.lr_factor)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": steps, "interval": "epoch"}}
        length = self.trainer.estimated_stepping_batches
        if math.isinf(length):
            raise ValueError(
                f"schedule {self.schedule} falls until the last step, and this training has none; set "
                f"trainer.max_steps or trainer.max_epochs, or schedule: multistep"
            )
        total = int(length)
        falling = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: lr_factor_at(self.schedule, step, total, self.warmup_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": falling, "interval": "step"}}


def lr_factor_at(schedule: str, step: int, total: int, warmup: int) -> float:
    """Learning-rate factor: linear from 0 to 1 over `warmup` steps, then down to 0 at `total`.

    Down goes half a cosine, or for `poly` what is left to the power of 0.9.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return (1 - progress) ** 0.9 if schedule == "poly" else 0.5 * (1 + math.cos(math.pi * progress))
