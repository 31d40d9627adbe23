"""Options that all methods share: how they are trained, what they are told; and the schedules of the learning rate."""

from __future__ import annotations

import math
from typing import Literal, TypedDict

from body.choices import check_choice, check_choices, check_types
from lightning_modules.common.backbones import Pretrained
from lightning_modules.common.config import plain
from lightning_modules.common.root_depth import RootDepth

Schedule = Literal["multistep", "cosine", "poly"]


class TrainingOptions(TypedDict, total=False):
    """Options of every method; one that is left out is as the method's `training_defaults` say.

    Attributes:
        lr: learning rate of the optimiser.
        schedule: `multistep` (times `lr_factor` at each of `milestones`), `cosine` or `poly` (down to zero at the last
            step).
        milestones: of the multistep schedule, in epochs (DaNet: steps).
        lr_factor: what the multistep schedule multiplies by.
        warmup_steps: steps of linear warm-up, for `cosine` and `poly`.
        pretrained: weights that backbones start from: `true` for timm's (or those that come with the package), a local
            file, or a repository of the Hub.
        backbone_from: start backbones from those of other weights of the zoo: a file, or on the command line a name.
        root_depth: where predictions take the root's depth from, see `RootDepth`; only `given` reads a label.
        parts_from: start parts of the network from those of other weights, by name: a file, or on the command line the
            name of weights, e.g. `{encoder: nbf.open_tiny}`.
        freeze: parts of the network that stay as they start, by name, e.g. `[backbone]`: no gradients, in eval mode.
        val_loss: log the losses in validation too, as `val/loss` (HEMlets' Fig. 9); validation takes twice as long.
    """

    lr: float
    schedule: Schedule
    milestones: list[int]
    lr_factor: float
    warmup_steps: int
    pretrained: Pretrained
    backbone_from: str | None
    root_depth: RootDepth
    parts_from: dict[str, str] | None
    freeze: list[str]
    val_loss: bool


DEFAULTS: TrainingOptions = {
    "lr": 1e-3,
    "schedule": "multistep",
    "milestones": [],
    "lr_factor": 0.1,
    "warmup_steps": 0,
    "pretrained": False,
    "backbone_from": None,
    "root_depth": "box",
    "parts_from": None,
    "freeze": [],
    "val_loss": False,
}


def complete_options(given: TrainingOptions, defaults: TrainingOptions) -> TrainingOptions:
    """All options: what was given, else the method's default, else that of all.

    Raises:
        TypeError: an option is of another type than it should be.
        ValueError: there is no such option, or one is none of its choices.
    """
    for name in given:
        check_choice("option", name, TrainingOptions.__annotations__)
    check_types(TrainingOptions, plain(given))
    check_choices(TrainingOptions, given)
    if not math.isfinite(given.get("lr", 1.0)):
        raise ValueError(f"lr is {given['lr']}; give a finite learning rate")
    return plain({**DEFAULTS, **defaults, **given})  # numpy's numbers end up in the optimiser's state


def lr_factor_at(schedule: str, step: int, total: int, warmup: int) -> float:
    """Learning-rate factor: linear from 0 to 1 over `warmup` steps, then down to 0 at `total`.

    Down goes half a cosine, or for `poly` what is left to the power of 0.9.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return (1 - progress) ** 0.9 if schedule == "poly" else 0.5 * (1 + math.cos(math.pi * progress))
