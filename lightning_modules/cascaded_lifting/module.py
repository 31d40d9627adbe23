"""Cascaded Dimension-Lifting as a LightningModule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine
from body.skeleton import get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.cascaded_lifting.bones import bones_of
from lightning_modules.cascaded_lifting.lifting import camera_numbers
from lightning_modules.cascaded_lifting.losses import SUPERVISION, MapWeights, cascade_losses, lifting_loss
from lightning_modules.cascaded_lifting.network import CascadeNet, CascadeOutput, Widths
from lightning_modules.cascaded_lifting.targets import DISTANCES, CascadeTargets, MapSettings, make_targets
from lightning_modules.common.initial_weights import load_backbone, load_first_stage
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import given_or, pinhole_depth
from lightning_modules.common.training import Schedule
from lightning_modules.common.volumes import VolumeSpace
from lightning_modules.prediction import Prediction

STAGES = ("cascade", "lifting")
ANSWERS = ("lifted", "volume")
DEPTHS = ("box", "given")
_STRIDE = 4  # crop pixels per cell


class CascadedLiftingModule(PoseModule):
    """3D joints from an image by way of bones, joints, depth order and 2.5D (Zhang, Zhan and Chang, AAAI 2021).

    The pose comes from the image alone. Where the person stands is asked for beside it: `predict_step` takes the root
    depth that the batch gives (RootNet's, from `zoo.predict`), `predict`, by which validation and test go, does so only
    with `root_depth` `given`.

    Args:
        backbone: name in `lightning_modules.common.backbones`.
        pretrained: weights that backbones start from; see `TrainingOptions`.
        backbone_from: weights of the zoo whose backbone `fit` starts from: a file, or on the command line a name.
        crop_size: side of the input crop in pixels, a multiple of 32; maps are a quarter of it.
        depth_bins: C, depth of the cube; as the maps' side when omitted.
        head_channels: width of the image-context branch.
        branch_channels: width of the other branch (S3HT).
        own_upsampling: whether that branch has deconvolutions of its own (see `Widths`).
        lifting_channels: width of the lifting block; 1024 in the paper.
        lifting_blocks: its residual blocks; 5 in the paper.
        dropout: of the lifting block.
        lifting_camera: let the lifting block know where in the photograph the crop lies, and correct what a pinhole
            camera makes of the 2.5D joints. Not in the paper.
        skeleton: joint set.
        supervision: `full`, `joints_bones`, `joints` or `none` (Table 4).
        sigma: of the joints' Gaussians, in cells.
        bone_sigma: of the bones' in the end; twice as much at the beginning.
        bone_epochs: epochs over which it shrinks.
        bone_distance: `squared`, or `plain` as Eq. 1 is printed.
        joint_weight: of the joints' maps, as for the three after it.
        bone_weight: of the bones' maps.
        cube_weight: of the depth cube.
        ordinal_weight: of the ordinal loss.
        depth_range: metres covered by the depth axis.
        stage: `cascade` trains everything but the lifting block; `lifting` adds that and trains nothing else.
        start_from: where `fit` gets the first stage from in stage `lifting`: a Lightning checkpoint or a safetensors
            file.
        joints_from: what `predict` answers with: `lifted`, or the 2.5D joints of the `volume` pushed out to the root
            depth; the former in stage `lifting`, the latter in stage `cascade` when omitted.
        root_depth: where the root's depth is from in validation and test: `box`, whose size and camera tell about how
            far away a person is, or `given` by the batch, where it is.
        flip_test: average the 2.5D joints with those of the mirrored crop; twice the work.
        lr: see `PoseModule`, as for the arguments after it. The defaults are the paper's training.
        schedule: see `PoseModule`.
        milestones: see `PoseModule`; [17] when omitted.
        lr_factor: see `PoseModule`.
        warmup_steps: see `PoseModule`.
        protocol: see `PoseModule`.

    Raises:
        ValueError: a setting is not known, or does not go with another; the message says which.
    """

    initialisation: ClassVar[Mapping[str, Any]] = {"start_from": None}
    network: CascadeNet

    def __init__(
        self,
        backbone: str = "resnet50",
        pretrained: bool | str = False,
        backbone_from: str | None = None,
        crop_size: int = 256,
        depth_bins: int | None = None,
        head_channels: int = 256,
        branch_channels: int = 256,
        own_upsampling: bool = True,
        lifting_channels: int = 1024,
        lifting_blocks: int = 5,
        dropout: float = 0.5,
        lifting_camera: bool = False,
        skeleton: str = "h36m18",
        supervision: str = "full",
        sigma: float = 2.0,
        bone_sigma: float = 2.0,
        bone_epochs: int = 10,
        bone_distance: str = "squared",
        joint_weight: float = 0.005,
        bone_weight: float = 0.0005,
        cube_weight: float = 0.005,
        ordinal_weight: float = 0.03,
        depth_range: float = 2.0,
        stage: str = "cascade",
        start_from: str | None = None,
        joints_from: str | None = None,
        root_depth: str = "box",
        flip_test: bool = False,
        lr: float = 1e-3,
        schedule: Schedule = "multistep",
        milestones: list[int] | None = None,
        lr_factor: float = 0.1,
        warmup_steps: int = 0,
        protocol: str = "open-v1",
    ) -> None:
        super().__init__(
            protocol,
            lr=lr,
            schedule=schedule,
            milestones=[17] if milestones is None else milestones,
            lr_factor=lr_factor,
            warmup_steps=warmup_steps,
            pretrained=pretrained,
            backbone_from=backbone_from,
        )
        self.save_hyperparameters()
        self.stage, self.lifts = stage, stage == "lifting"
        self.joints_from = joints_from or ("lifted" if self.lifts else "volume")
        self.root_depth, self.flip_test, self.supervision = root_depth, flip_test, supervision
        self._check(crop_size, bone_distance)
        self.backbone_from, self.start_from = backbone_from, start_from
        self.skeleton, self.crop_size = get_skeleton(skeleton), crop_size
        self.bones = bones_of(self.skeleton)
        cells = crop_size // _STRIDE
        self.maps = MapSettings(cells, depth_bins or cells, sigma, bone_distance)
        self.final_bone_sigma, self.bone_epochs = bone_sigma, bone_epochs
        self.space = VolumeSpace(crop_size, depth_range)
        self.weights = MapWeights(joint_weight, bone_weight, cube_weight, ordinal_weight)
        self.network = CascadeNet(
            len(self.skeleton),
            len(self.bones),
            backbone,
            cells,
            self.maps.bins,
            Widths(head_channels, branch_channels, own_upsampling, lifting_channels, lifting_blocks),
            pretrained,
            ordinal="ordinal" in SUPERVISION[supervision],
            lifting=self.lifts,
            camera=lifting_camera,
            dropout=dropout,
            root=self.skeleton.root_index,
            depth_range=depth_range,
        )
        self.example_input_array = torch.zeros(1, 3, crop_size, crop_size)
        if self.network.lifting is not None:
            self.freeze_part(self.network, except_=self.network.lifting)

    def _check(self, crop_size: int, bone_distance: str) -> None:
        """Refuse settings that are unknown or do not go together."""
        for name, value, known in (
            ("stage", self.stage, STAGES),
            ("joints_from", self.joints_from, ANSWERS),
            ("root_depth", self.root_depth, DEPTHS),
            ("supervision", self.supervision, tuple(SUPERVISION)),
            ("bone_distance", bone_distance, DISTANCES),
        ):
            if value not in known:
                raise ValueError(f"no {name} {value!r}; use one of {', '.join(known)}")
        if crop_size % 32:
            raise ValueError(f"crop_size {crop_size} is not a multiple of 32; use e.g. 128 or 256")
        if self.joints_from == "lifted" and not self.lifts:
            raise ValueError("joints_from: lifted needs the lifting block; set stage: lifting")

    def setup(self, stage: str) -> None:
        """Before `fit`, load the backbone or the first stage where one is named."""
        if stage == "fit" and self.backbone_from is not None:
            load_backbone(self.network.backbone, Path(self.backbone_from))
        if stage == "fit" and self.start_from is not None:
            load_first_stage(self.network, Path(self.start_from), new=("lifting",))

    def forward(self, image: Tensor) -> CascadeOutput:
        """RGB crops in [0, 1] to the answers of all steps (see `network.CascadeOutput`)."""
        return self.network(image)

    def bone_sigma(self) -> float:
        """Of the bones' profile in this epoch, in cells: it halves, evenly over `bone_epochs`."""
        left = max(0.0, 1 - self.current_epoch / self.bone_epochs) if self.bone_epochs else 0.0
        return self.final_bone_sigma * (1 + left)

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
            return cascade_losses(
                self.network.cascade(batch["image"]), self.targets(batch), self.supervision, self.weights
            )
        with torch.no_grad():
            joints = self.network.cascade(batch["image"]).joints
        lifted = self.network.lift(joints, self._camera(batch))
        return {"pose": lifting_loss(lifted, *self._true_pose(batch), self.network.statistics.spread)}

    def predict(self, batch: Batch) -> Prediction:
        """Joints in metres; no label is read unless `root_depth` is `given`."""
        return self._place(batch, self.root_depth == "given")

    def predict_step(self, batch: Batch, batch_idx: int) -> Prediction:  # noqa: ARG002
        """Joints in metres, at the batch's root depth where it gives one."""
        return self._place(batch, True)

    def _place(self, batch: Batch, take_given: bool) -> Prediction:
        """The pose, with its root at its pixel and depth."""
        found = self._found(batch["image"])
        camera = batch["intrinsics"]
        with full_precision(found):
            pixels = apply_affine(_STRIDE * found[..., :2], invert_affine(batch["crop_affine"]))
            depth, source = pinhole_depth(batch["box"], camera, self.space.depth_range), "box"
            if take_given:
                depth, source = given_or(depth, source, batch)
            behind = (found[..., 2] / self.maps.bins - 0.5) * self.space.depth_range
            joints = backproject(pixels, behind + depth[:, None], camera)
            root = [self.skeleton.root_index]
            if self.joints_from == "lifted":
                lifted = self.network.lift(found, self._camera(batch))
                joints = backproject(pixels[:, root], depth[:, None], camera) + lifted - lifted[:, root]
        return Prediction(
            joints=joints,
            skeleton=self.skeleton,
            joints_2d=pixels,
            root_depth_source=source,
            intermediates={"joints_cells": found},
        )

    def _found(self, image: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch joints 3"]:
        """2.5D joints, averaged with those of the mirrored crop if `flip_test` asks for it."""
        joints = self.network.cascade(image).joints
        if not self.flip_test:
            return joints
        mirrored = self.network.cascade(image.flip(-1)).joints
        return (joints + self.mirror(mirrored)) / 2

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
