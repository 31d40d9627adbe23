"""Cascaded Dimension-Lifting as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Unpack

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine
from body.skeleton import get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.cascaded_lifting.bones import bones_of
from lightning_modules.cascaded_lifting.config import CascadeConfig, CascadeLossConfig, JointsFrom, Stage
from lightning_modules.cascaded_lifting.lifting import camera_numbers
from lightning_modules.cascaded_lifting.losses import SUPERVISION, cascade_losses, lifting_loss
from lightning_modules.cascaded_lifting.network import CascadeNet, CascadeOutput
from lightning_modules.cascaded_lifting.targets import CascadeTargets, MapSettings, make_targets
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.flip_test import with_mirrored
from lightning_modules.common.initial_weights import load_first_stage
from lightning_modules.common.joint_prior import VolumePrior
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import choose_depth, pinhole_depth
from lightning_modules.common.training import TrainingOptions
from lightning_modules.common.volumes import VolumeSpace
from lightning_modules.prediction import Prediction

_STRIDE = 4  # crop pixels per cell


class CascadedLiftingModule(PoseModule):
    """3D joints from an image by way of bones, joints, depth order and 2.5D (Zhang, Zhan and Chang, AAAI 2021).

    The pose comes from the image alone; `root_depth` says where the person stands.

    Args:
        network: settings of the network.
        losses: what the first stage is trained with.
        skeleton: joint set.
        protocol: see `PoseModule`.
        stage: `cascade` trains everything but the lifting block; `lifting` adds that and trains nothing else.
        start_from: where `fit` gets the first stage from in stage `lifting`: a Lightning checkpoint or a safetensors
            file.
        joints_from: what `predict` gives: `lifted`, or the 2.5D joints of the `volume` pushed out to the root depth;
            the former in stage `lifting`, the latter in stage `cascade` when omitted.
        flip_test: average the 2.5D joints with those of the mirrored crop; twice the work.
        **training: see `TrainingOptions`; the defaults are the paper's training.

    Raises:
        ValueError: settings do not go together; the message says which.
    """

    training_defaults = TrainingOptions(lr=1e-3, milestones=[17])
    initialisation: ClassVar[Mapping[str, Any]] = {"start_from": None}
    full_precision_parts = ("lifting",)
    network: CascadeNet

    def __init__(
        self,
        network: CascadeConfig = CascadeConfig(),
        losses: CascadeLossConfig = CascadeLossConfig(),
        skeleton: str = "h36m18",
        protocol: str = "open-v1",
        stage: Stage = "cascade",
        start_from: str | None = None,
        joints_from: JointsFrom | None = None,
        flip_test: bool = False,
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        self.lifts, self.start_from, self.loss_config = stage == "lifting", start_from, losses
        self.joints_from = joints_from or ("lifted" if self.lifts else "volume")
        if self.joints_from == "lifted" and not self.lifts:
            raise ValueError("joints_from: lifted needs the lifting block; set stage: lifting")
        if not network.intermediate and losses.supervision != "none":
            raise ValueError("intermediate: false has no maps to supervise; set losses.supervision: none")
        self.flip_test = flip_test
        self.skeleton = get_skeleton(skeleton)
        self.crop_size, self.crop_margin = network.crop_size, network.crop_margin
        self.bones = bones_of(self.skeleton)
        self.maps = MapSettings(network.cells, network.bins, losses.sigma, losses.bone_distance)
        self.space = VolumeSpace(network.crop_size, network.depth_range)
        self.network = CascadeNet(
            network,
            len(self.skeleton),
            len(self.bones),
            ordinal="ordinal" in SUPERVISION[losses.supervision],
            lifting=self.lifts,
            root=self.skeleton.root_index,
            pretrained=self.training_options["pretrained"],
            prior=VolumePrior(self.skeleton, network.depth_range, last_bin=False) if network.joint_prior else None,
        )
        self.example_input_array = torch.zeros(1, 3, network.crop_size, network.crop_size)
        if self.network.lifting is not None:
            self.freeze_part(self.network, except_=self.network.lifting)

    def setup(self, stage: str) -> None:
        """Before `fit`, load the first stage where one is named."""
        super().setup(stage)
        if stage == "fit" and self.start_from is not None:
            load_first_stage(self.network, Path(self.start_from), new=("lifting",))

    def backbones(self) -> tuple[Backbone, ...]:
        """See `PoseModule.backbones`."""
        return (self.network.backbone,)

    def forward(self, image: Tensor) -> CascadeOutput:
        """RGB crops in [0, 1] to the answers of all steps (see `network.CascadeOutput`)."""
        return self.network(image)

    def bone_sigma(self) -> float:
        """Of the bones' profile in this epoch, in cells: it halves, evenly over `bone_epochs`."""
        final, epochs = self.loss_config.bone_sigma, self.loss_config.bone_epochs
        left = max(0.0, 1 - self.current_epoch / epochs) if epochs else 0.0
        return final * (1 + left)

    def targets(self, batch: Batch) -> CascadeTargets:
        """What the first stage should answer."""
        with torch.no_grad(), full_precision(batch["image"]):
            joints = self.space.targets(batch, None, self.skeleton.root_index)
            return make_targets(joints, self.bones, self.maps, self.bone_sigma())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """As `PoseModule.training_step`; the first stage also learns what poses there are."""
        if not self.lifts:
            self.network.statistics.add(*self._true_pose(batch))
        return super().training_step(batch, batch_idx)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Loss terms of the stage by name, weighted."""
        if not self.lifts:
            return cascade_losses(self.network.cascade(batch["image"]), self.targets(batch), self.loss_config)
        with torch.no_grad():
            joints = self.network.cascade(batch["image"]).joints
        lifted = self.network.lift(joints, self._camera(batch))
        return {"pose": lifting_loss(lifted, *self._true_pose(batch), self.network.statistics.spread)}

    def predict(self, batch: Batch) -> Prediction:
        """Joints in metres: the pose, with its root at its pixel and depth (see `RootDepth`)."""
        found, lifted = self._found(batch)
        camera = batch["intrinsics"]
        with full_precision(found):
            pixels = apply_affine(_STRIDE * found[..., :2], invert_affine(batch["crop_affine"]))
            depth = choose_depth(pinhole_depth(batch["box"], camera, self.space.depth_range), self.root_depth, batch)
            behind = (found[..., 2] / self.maps.bins - 0.5) * self.space.depth_range
            joints = backproject(pixels, behind + depth[:, None], camera)
            root = [self.skeleton.root_index]
            if self.joints_from == "lifted" and lifted is not None:
                joints = backproject(pixels[:, root], depth[:, None], camera) + lifted - lifted[:, root]
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=pixels,
            root_depth_source=self.root_depth_source,
            intermediates={"joints_cells": found},
        )

    def _found(self, batch: Batch) -> tuple[Float[Tensor, "batch joints 3"], Float[Tensor, "batch joints 3"] | None]:
        """2.5D joints, averaged with those of the mirrored crop if `flip_test` asks for it, and the lifted ones."""
        image, camera = batch["image"], self._camera(batch) if self.lifts else None
        if not self.flip_test:
            output = self.network(image, camera)
            return output.joints, output.lifted
        # the whole of it, which is what may be compiled; the lifting of both, some products, is not used
        here, there = with_mirrored(lambda crops: self.network(crops).joints, image)
        joints = (here + self.mirror(there)) / 2
        return joints, self.network.lift(joints, camera) if self.lifts else None

    def mirror(self, joints: Float[Tensor, "batch joints 3"]) -> Float[Tensor, "batch joints 3"]:
        """2.5D joints of the mirrored crop in the crop itself: pixel u was at crop_size - 1 - u."""
        swapped = joints[:, list(self.skeleton.mirror)]
        return torch.cat([(self.crop_size - 1) / _STRIDE - swapped[..., :1], swapped[..., 1:]], -1)

    def _camera(self, batch: Batch) -> Float[Tensor, "batch 4"]:
        return camera_numbers(batch["intrinsics"], batch["crop_affine"], self.crop_size)

    def _true_pose(self, batch: Batch) -> tuple[Float[Tensor, "batch joints 3"], Bool[Tensor, "batch joints"]]:
        """Joints relative to the root, metres, and which of them are known."""
        root = self.skeleton.root_index
        points, valid = batch["joints"], batch["joints_valid"]
        return points - points[:, root, None], valid & valid[:, root, None]
