"""Trainings that are given seconds instead of steps: schedule, end, and averaged weights."""

from __future__ import annotations

import math
import time
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor


def timed_factor(progress: float, warmup: float = 0.05) -> float:
    """Learning-rate factor: linear from 0 to 1 over the first share `warmup`, then half a cosine down to 0.

    Args:
        progress: share of the time that has passed, 0 to 1.
        warmup: share of the time.
    """
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


class TimedTraining(Callback):
    """Sets the learning rate by the time that has passed, and ends the training when its seconds are over.

    The module's own schedule has no effect. A resumed training goes on where it was: pauses do not count.

    Args:
        seconds: of training, validation included.
        warmup: see `timed_factor`.
        lr_factor: times the module's learning rates.
        phases: attribute of the module that counts steps -> share of the time. The module compares its step with the
            attribute: until then the attribute is larger than any step, afterwards 0.
        average: weight of the old average per step, see `averaged`; smaller in the first steps.

    Attributes:
        averaged: exponential average of the weights and statistics of `module.network`, by name.
    """

    def __init__(
        self,
        seconds: float,
        warmup: float = 0.05,
        lr_factor: float = 1.0,
        phases: dict[str, float] | None = None,
        average: float = 0.995,
    ) -> None:
        self.seconds, self.warmup, self.lr_factor, self.phases = seconds, warmup, lr_factor, phases or {}
        self.average, self.averaged = average, dict[str, Tensor]()
        self._before, self._started, self._steps = 0.0, time.monotonic(), 0
        self._rates: list[float] = []
        self._live: dict[str, Tensor] = {}

    @property
    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self._before + time.monotonic() - self._started

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock, and the average at the weights."""
        self._started = time.monotonic()
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self._rates = [group.get("initial_lr", group["lr"]) * self.lr_factor for group in groups]
        self._live = live = _floats(pl_module)
        self.averaged = {name: self.averaged.get(name, value).to(value.device).clone() for name, value in live.items()}

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Set the learning rates."""
        progress = self.elapsed / self.seconds
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        for group, rate in zip(groups, self._rates, strict=True):
            group["lr"] = rate * timed_factor(progress, self.warmup)
        for name, share in self.phases.items():
            setattr(pl_module, name, 10**9 if progress < share else 0)

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:  # noqa: ARG002
        """Let no infinity or NaN reach a weight; checking for them would make every step wait for the device."""
        for weight in pl_module.parameters():
            if weight.grad is not None:
                weight.grad.nan_to_num_(0.0, 0.0, 0.0)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Average the weights; end when the time is over."""
        self._steps += 1
        kept = min(self.average, self._steps / (self._steps + 9))
        torch._foreach_lerp_(list(self.averaged.values()), list(self._live.values()), 1 - kept)
        if self.elapsed >= self.seconds:
            trainer.should_stop = True

    def use_average(self, module: pl.LightningModule) -> None:
        """Give a module the averaged weights."""
        for name, value in _floats(module).items():
            value.copy_(self.averaged[name])

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"elapsed": self.elapsed, "steps": self._steps, "averaged": self.averaged}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where a checkpoint was written."""
        self._before, self._steps, self.averaged = state_dict["elapsed"], state_dict["steps"], state_dict["averaged"]


def _floats(module: pl.LightningModule) -> dict[str, Tensor]:
    network = module.network
    assert isinstance(network, torch.nn.Module)
    return {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
