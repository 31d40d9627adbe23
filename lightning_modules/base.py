"""The LightningModule that every method starts from."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, Unpack

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from body.choices import check_choices, check_types
from body.installed import name_of
from body.skeleton import Skeleton
from datamodules.base import BaseDataModule
from datamodules.batch import Batch
from lightning_modules import METHODS
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.config import NetworkConfig, config_with, plain, plain_scalars
from lightning_modules.common.finite import FiniteTraining
from lightning_modules.common.initial_weights import load_backbone, load_part
from lightning_modules.common.precision import (
    autocast_to,
    check_precision,
    check_trainable,
    keep_coordinates,
    product_dtype,
    product_layers,
)
from lightning_modules.common.training import TrainingOptions, complete_options, lr_factor_at
from lightning_modules.prediction import Prediction
from metrics import build_task, get_protocol, overall

_INSTANTIATOR = "pytorch_lightning.cli.instantiate_module"  # makes dataclasses of plain hyper-parameters again


METHOD_KEY = "zoo_method"
"""In a checkpoint: name of the method in `METHODS`, None for a class that has none."""


class PoseModule(LightningModule):
    """Training, evaluation and prediction of a single-person method.

    A method supplies `network`, `skeleton`, `losses` and `predict`. Labels and predictions travel as `Batch` and
    `Prediction`. Its constructor calls this one and then `save_hyperparameters`.

    Args:
        protocol: evaluation protocol whose metrics validation and test report.
        **training: see `TrainingOptions`.

    Raises:
        TypeError: an option is of another type than it should be.
        ValueError: there is no such training option, or it is none of its choices.
    """

    training_defaults: ClassVar[TrainingOptions] = {}
    """What the method's own training differs in from `common.training.DEFAULTS`."""
    weights_name: str = ""
    """What `zoo.load` was asked for, if the weights are from there; recorded in predictions and their files."""
    initialisation: ClassVar[Mapping[str, Any]] = {
        "pretrained": False,
        "backbone_from": None,
        "parts_from": None,
        "freeze": [],
    }
    """Hyper-parameters of how a training starts, and their values for one that goes on; a method adds its own."""
    training_only: ClassVar[tuple[str, ...]] = ()
    """First parts of the names of weights that prediction never uses. A file may lack or have them."""
    full_precision_parts: ClassVar[tuple[str, ...]] = ()
    """Parts of the network that work on coordinates; a cast to half precision leaves them alone."""
    network: nn.Module
    skeleton: Skeleton
    """Joint set of the predictions."""
    batch_skeleton: Skeleton | None = None
    """Joint set of the labels, where it is another one."""
    crop_size: int
    """Side of the crops that it reads, pixels."""
    crop_margin: float = NetworkConfig.crop_margin
    """Crops are so many times as large as the longer side of a person's box."""
    flip_test: bool = False
    """Whether the mirrored crop is predicted, too, and both answers are merged."""
    own_root_depth: str = "box"
    """What the method's own estimate of the root's depth goes by, as in `Prediction.root_depth_source`."""
    _frozen: tuple[nn.Module, nn.Module | None] | None = None
    _kept: tuple[nn.Module, ...] = ()

    def __init__(self, protocol: str, **training: Unpack[TrainingOptions]) -> None:
        super().__init__()
        check_types(PoseModule.__init__, {"protocol": protocol})
        for name in training:
            if name not in TrainingOptions.__annotations__ and (home := config_with(name, type(self).__init__)):
                raise ValueError(f"{name} is a setting of {home[0]}; give {home[0]}={home[1].__name__}({name}=...)")
        self.training_options = complete_options(training, self.training_defaults)
        self.lr, self.backbone_from = self.training_options["lr"], self.training_options["backbone_from"]
        self.root_depth = self.training_options["root_depth"]
        self.parts_from = self.training_options["parts_from"]
        self.protocol = get_protocol(protocol)
        self.metrics = build_task(self.protocol)

    @property
    def placing_regressor(self) -> Tensor | None:
        """The body's (joints, vertices), where its root alone ties it to joints that are more certain, or None.

        `zoo.predict` then moves the body to its joints.
        """
        return None

    def save_hyperparameters(self, *args: Any, frame: FrameType | None = None, **options: Any) -> None:
        """As Lightning's, with plain values, so that checkpoints load with `weights_only=True`, and checked choices.

        A method's constructor calls this right after the one here; all training options become hyper-parameters too.

        Raises:
            TypeError: an argument is of another type than it should be, such as a dictionary for a configuration.
            ValueError: an argument is none of its choices.
        """
        caller = inspect.currentframe()
        super().save_hyperparameters(*args, frame=frame or (caller and caller.f_back), **options)
        if "_instantiator" not in self.hparams:  # otherwise these are what jsonargparse made checked arguments of
            check_types(type(self).__init__, plain_scalars(self.hparams))
        values = {**plain(dict(self.hparams)), **plain(self.training_options)}
        super().save_hyperparameters({**values, "_instantiator": _INSTANTIATOR}, **options)
        check_choices(type(self).__init__, values)

    def setup(self, stage: str) -> None:
        """Before `fit`, start what starts from other weights (`backbone_from`, `parts_from`), and freeze what stays.

        Raises:
            ValueError: the method has no backbone that could, or no such part, or the weights are of another one.
        """
        if stage == "fit":
            check_trainable(self._product_dtype())
            for name, path in (self.parts_from or {}).items():
                load_part(self._part(name), name, Path(path))
            self._kept = tuple(self._part(name) for name in self.training_options["freeze"])
            for part in self._kept:
                part.requires_grad_(False)
            if self._trainer is not None:
                self._store_channels_last()
        if stage == "fit" and self.backbone_from is not None:
            backbones = self.backbones()
            if not backbones:
                raise ValueError(f"{type(self).__name__} has no whole backbone; leave backbone_from out")
            for backbone in backbones:
                load_backbone(backbone, Path(self.backbone_from))

    def _store_channels_last(self) -> None:
        """Where convolutions are slower otherwise: in half precision, and on CPUs.

        It comes before a strategy wraps the module: DDP lays out its gradients as the weights are then.
        """
        if "mixed" in str(self.trainer.precision) or self.trainer.strategy.root_device.type == "cpu":
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say which method's weights they are, for `zoo.load`."""
        checkpoint[METHOD_KEY] = name_of(type(self), METHODS)

    def configure_callbacks(self) -> list[Callback]:
        """Ends a training whose losses or weights are no longer finite.

        Lightning asks for it first of all, so that a precision is refused before data are prepared.

        Raises:
            ValueError: a precision that is not supported.
        """
        if self._trainer is not None:
            check_precision(str(self.trainer.precision))
        return [FiniteTraining()]

    def _part(self, name: str) -> nn.Module:
        try:
            return self.network.get_submodule(name)
        except AttributeError:
            parts = ", ".join(part for part, _ in self.network.named_children())
            raise ValueError(f"the network has no {name!r}; its parts are {parts}") from None

    def compiled_parts(self) -> Sequence[nn.Module]:
        """Modules that `predict` calls with tensors and that hold its work: what `zoo.load(compile=True)` compiles."""
        return (self.network,)

    def backbones(self) -> Sequence[Backbone]:
        """Backbones that `backbone_from` fills."""
        return ()

    @property
    def root_depth_source(self) -> str:
        """Where predictions take the root's depth from; part of every result."""
        return self.own_root_depth if self.root_depth == "box" else self.root_depth

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
        for part in self._kept:
            part.eval()
        return self

    def working_precision(self) -> AbstractContextManager[None]:
        """Context in which `predict` and the network run in the precision of the weights, decoding in float32.

        Raises:
            ValueError: the model was cast in part, or to float64.
        """
        return autocast_to(self._product_dtype(), self.device)

    def _product_dtype(self) -> torch.dtype:
        return product_dtype(self, self._product_layers())

    def _product_layers(self) -> list[nn.Module]:
        return product_layers(self.network, self.full_precision_parts)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`forward`, in `working_precision`."""
        with self.working_precision():
            return super().__call__(*args, **kwargs)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> PoseModule:
        """What `half`, `bfloat16`, `to` and `cuda` do; see `keep_coordinates`."""
        return super()._apply(keep_coordinates(self._product_layers(), fn), recurse)  # type: ignore[no-untyped-call]

    def on_fit_start(self) -> None:
        """Train, also what `zoo.load` gave in eval mode, which Lightning would keep.

        Raises:
            ValueError: the data are of another protocol, whose training subjects are others.
        """
        self._check_data()
        self.train()

    def on_test_start(self) -> None:
        """Let the datamodule hand the metrics what they need of the whole split."""
        self._prepare_task()

    def on_validation_start(self) -> None:
        """As `on_test_start`."""
        self._prepare_task()

    def _check_data(self) -> BaseDataModule | None:
        """The zoo's datamodule, if it is one, whose protocol must be the model's."""
        datamodule = getattr(self.trainer, "datamodule", None)
        if not isinstance(datamodule, BaseDataModule):
            return None
        if datamodule.protocol not in ("", self.protocol.data_id):
            raise ValueError(
                f"the data are split by {datamodule.protocol} and the model is scored by "
                f"{self.protocol.id}; give both the same protocol, as in zoo.load(..., "
                f"protocol={datamodule.protocol!r}) or on the command line with --model.protocol, which sets both"
            )
        return datamodule

    def _prepare_task(self) -> None:
        datamodule = self._check_data()
        if datamodule is not None:
            self.metrics.prepare(datamodule.split_labels())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002 (Lightning's signature)
        """Sum of the losses; every term is logged under its name.

        Raises:
            ValueError: crops or joints are not those of the model.
        """
        self._check_crops(batch)
        joints, expected = batch["joints"].shape[1], self.batch_skeleton or self.skeleton
        if joints != len(expected):
            raise ValueError(
                f"labels of {joints} joints for a model that learns {expected.name}, which has {len(expected)}; set "
                f"crops.skeleton: {expected.name} in the data"
            )
        losses = self._losses(batch)
        total = torch.stack(list(losses.values())).sum()
        size = len(batch["image"])
        self.log_dict({f"train/{name}": value.detach() for name, value in losses.items()}, batch_size=size)
        self.log("train/loss", total.detach(), prog_bar=True, batch_size=size)
        return total

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        try:
            return self.losses(batch)
        except ValueError as error:
            if "more than 1 value per channel" in str(error):  # torch's, of a batch norm that sees one number
                raise ValueError(
                    "this method's batch norms cannot train on a single crop; set batch_size: 2 or more"
                ) from None
            raise

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Update the metrics; with `val_loss` log the losses too."""
        with self.working_precision():
            self._score(batch)
            if self.training_options["val_loss"]:
                loss = torch.stack(list(self._losses(batch).values())).sum()
                self.log("val/loss", loss, batch_size=len(batch["image"]), sync_dist=True)

    def test_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Update the metrics."""
        with self.working_precision():
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
        """Typed prediction for a batch.

        Raises:
            ValueError: crops of another size, or a model that was cast in part, or to float64.
        """
        self._check_crops(batch)
        with self.working_precision():
            return self.predict(batch)

    def optimizer(self) -> torch.optim.Optimizer:
        """Adam over the trainable weights; a method may have its own."""
        return torch.optim.Adam([weight for weight in self.parameters() if weight.requires_grad], lr=self.lr)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser, with the chosen schedule.

        Raises:
            ValueError: a schedule that falls to zero, in a training without an end.
        """
        optimizer, options = self.optimizer(), self.training_options
        schedule, warmup = options["schedule"], options["warmup_steps"]
        if schedule == "multistep":
            steps = torch.optim.lr_scheduler.MultiStepLR(optimizer, options["milestones"], gamma=options["lr_factor"])
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": steps, "interval": "epoch"}}
        length = self.trainer.estimated_stepping_batches
        if math.isinf(length):
            raise ValueError(
                f"schedule {schedule} falls until the last step, and this training has none; set "
                f"trainer.max_steps or trainer.max_epochs, or schedule: multistep"
            )
        total = int(length)
        falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: lr_factor_at(schedule, step, total, warmup))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": falling, "interval": "step"}}
