"""The backbone's training as a LightningModule."""

from __future__ import annotations

from dataclasses import asdict
from typing import Unpack

import torch
from smplx.lbs import batch_rodrigues
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine, project
from body.skeleton import OPEN36
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.flip_test import with_mirrored
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import choose_depth, pinhole_depth
from lightning_modules.common.rotations import crop_to_camera_rotation
from lightning_modules.common.training import TrainingOptions
from lightning_modules.people.losses import (
    PeopleWeights,
    body_losses,
    heatmap_loss,
    masked_l1,
    surface_losses,
)
from lightning_modules.people.network import PeopleNetwork
from lightning_modules.prediction import Prediction

STRIDE = 4
"""Pixels of the crop per cell of a map."""


class PeopleModule(PoseModule):
    """Joints, parts, surface and body of a person at once: what a backbone learns before it becomes a method's.

    Args:
        backbone: see `create_pyramid`.
        channels: width of the feature pyramid; see `PeopleNetwork`.
        crop_size: side of the crops in pixels, a multiple of 32.
        sigma: of the Gaussians that heat maps are compared with, in cells of 4 pixels.
        weights: factors of the loss terms by name (`PeopleWeights`); those that are left out keep theirs.
        flip_test: predict the mirrored crop too and average.
        weight_decay: of AdamW.
        protocol: see `PoseModule`.
        **training: see `TrainingOptions`.

    Raises:
        ValueError: the crop's size is not a multiple of 32, or as in `create_pyramid`.
    """

    training_defaults = TrainingOptions(lr=1e-3, schedule="cosine", warmup_steps=200)
    network: PeopleNetwork
    skeleton = OPEN36

    def __init__(
        self,
        backbone: str = "tf_efficientnet_lite0",
        channels: int = 96,
        crop_size: int = 192,
        sigma: float = 1.5,
        weights: dict[str, float] | None = None,
        flip_test: bool = False,
        weight_decay: float = 0.02,
        protocol: str = "open-v1",
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        if crop_size % 32:
            raise ValueError(f"crop_size {crop_size} is not a multiple of 32; use e.g. 192 or 224")
        self.crop_size, self.sigma, self.flip_test = crop_size, sigma, flip_test
        self.weight_decay = weight_decay
        self.weights = PeopleWeights(**{**asdict(PeopleWeights()), **(weights or {})})
        self.network = PeopleNetwork(
            len(OPEN36), backbone, self.training_options["pretrained"], channels, OPEN36.root_index
        )
        self._mirror = list(OPEN36.mirror)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Weighted terms, see `PeopleWeights`. Joints beyond the crop teach their depth alone."""
        output, weights = self.network(batch["image"]), self.weights
        cells = batch["joints_2d"] / STRIDE
        side = self.crop_size / STRIDE
        inside = batch["joints_2d_valid"] & ((cells >= -0.5) & (cells <= side - 0.5)).all(-1)
        depth = batch["joints"][..., 2] - batch["root_depth"][:, None]
        deep = batch["joints_valid"] & batch["root_depth_valid"][:, None]
        parts, surface = surface_losses(output.parts, output.surface, batch["iuv"], batch["iuv_valid"])
        with full_precision(depth):
            rotations = batch_rodrigues(batch["pose"].reshape(-1, 3)).view(-1, 24, 3, 3)
            to_crop = crop_to_camera_rotation(batch["intrinsics"], batch["crop_affine"], self.crop_size).mT
            rotations = torch.cat([(to_crop @ rotations[:, 0])[:, None], rotations[:, 1:]], 1)
        rotation, betas = body_losses(output, rotations, batch["betas"], batch["smpl_valid"])
        place = masked_l1(output.joints[..., :2] / side, cells / side, inside[..., None].expand_as(cells))
        return {
            "heatmap": weights.heatmap * heatmap_loss(output.heatmaps, cells, inside, self.sigma),
            "place": weights.place * place,
            "depth": weights.depth * masked_l1(output.joints[..., 2], depth, deep),
            "parts": weights.parts * parts,
            "surface": weights.surface * surface,
            "rotation": weights.rotation * rotation,
            "betas": weights.betas * betas,
        }

    @torch.no_grad()
    def predict(self, batch: Batch) -> Prediction:
        """Joints at the root depth that the box suggests, or another (`RootDepth`), with which their size goes."""
        image = batch["image"]
        if self.flip_test:
            here, there = with_mirrored(lambda crops: self.network(crops).joints, image)
            mirrored = there[:, self._mirror]
            across = (self.crop_size - 1) / STRIDE - mirrored[..., :1]
            found = (here + torch.cat([across, mirrored[..., 1:]], -1)) / 2
        else:
            found = self.network(image).joints
        with full_precision(found):
            pixels = apply_affine(found[..., :2] * STRIDE, invert_affine(batch["crop_affine"]))
            root = choose_depth(pinhole_depth(batch["box"], batch["intrinsics"], 2.0), self.root_depth, batch)
            depth = (found[..., 2] + root[:, None]).clamp(min=0.1)
            joints = backproject(pixels, depth, batch["intrinsics"])
            return Prediction(
                joints=joints,
                skeleton=self.skeleton,
                joints_2d=project(joints, batch["intrinsics"]),
                root_depth_source=self.root_depth_source,
            )

    def optimizer(self) -> torch.optim.Optimizer:
        """AdamW; norms and biases do not decay."""
        trained = [weight for weight in self.parameters() if weight.requires_grad]
        groups = [
            {"params": [w for w in trained if w.ndim > 1], "weight_decay": self.weight_decay},
            {"params": [w for w in trained if w.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.lr)
