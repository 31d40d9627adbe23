"""RootNet as a LightningModule."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine, project
from body.skeleton import Skeleton, get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import pinhole_depth
from lightning_modules.prediction import Prediction
from lightning_modules.rootnet.network import RootNet, RootOutput

_MILLIMETRES = 1000.0


class RootNetModule(PoseModule):
    """The root joint's place in the camera frame, from a crop and its box (Moon, Chang and Lee, ICCV 2019).

    Its prediction is a pose of one joint, the root of `skeleton`.

    Args:
        backbone: name in `lightning_modules.common.backbones`.
        pretrained: start from ImageNet weights (through timm, when it can get them).
        crop_size: side of the input crop in pixels, a multiple of 32.
        head_channels: width of the up-sampled features; 256 in the release.
        skeleton: joint set of the batches, whose root is learnt.
        extent: metres across the box of an uncorrected person (2 for bodies, 0.3 for hands).
        lr: see `PoseModule`, as for the arguments after it. The defaults are the release's training.
        schedule: see `PoseModule`.
        milestones: see `PoseModule`; [17] when omitted.
        lr_factor: see `PoseModule`.
        warmup_steps: see `PoseModule`.
        protocol: see `PoseModule`.

    Raises:
        ValueError: the crop size is not a multiple of 32.
    """

    network: RootNet

    def __init__(
        self,
        backbone: str = "resnet50",
        pretrained: bool = False,
        crop_size: int = 256,
        head_channels: int = 256,
        skeleton: str = "smpl24",
        extent: float = 2.0,
        lr: float = 1e-3,
        schedule: str = "multistep",
        milestones: list[int] | None = None,
        lr_factor: float = 0.1,
        warmup_steps: int = 0,
        protocol: str = "open-v1-root",
    ) -> None:
        super().__init__(lr, schedule, [17] if milestones is None else milestones, lr_factor, warmup_steps, protocol)
        self.save_hyperparameters()
        if crop_size % 32:
            raise ValueError(f"crop_size {crop_size} is not a multiple of 32; use e.g. 128 or 256")
        self.batch_skeleton = whole = get_skeleton(skeleton)
        self.root_index, self.extent = whole.root_index, extent
        self.skeleton = Skeleton("root", (whole.root,), (whole.root,), whole.root)
        self.network = RootNet(backbone, head_channels, pretrained)
        self.pixels_per_cell = 4
        self.crop_size, self.example_input_array = crop_size, torch.zeros(1, 3, crop_size, crop_size)

    def forward(self, image: Tensor) -> RootOutput:
        """RGB crops in [0, 1] to the root's place and depth correction."""
        return self.network(image)

    def root_depth(self, output: RootOutput, batch: Batch) -> Float[Tensor, " batch"]:
        """Absolute depth in metres."""
        return output.correction * pinhole_depth(batch["box"], batch["intrinsics"], self.extent)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The release's loss: L1 of x and y in cells and of depth in millimetres, a third of their sum each.

        Means are over all samples, those without a label as zeros.
        """
        output = self.network(batch["image"])
        root = self.root_index
        true_place = batch["joints_2d"][:, root] / self.pixels_per_cell
        place = (output.place - true_place).abs().sum(1) * batch["joints_2d_valid"][:, root]
        depth = (self.root_depth(output, batch) - batch["root_depth"]).abs() * batch["root_depth_valid"]
        return {"place": place.mean() / 3, "depth": _MILLIMETRES * depth.mean() / 3}

    def predict(self, batch: Batch) -> Prediction:
        """The root joint in metres: its place in the image, pushed out to its depth."""
        output = self.network(batch["image"])
        depth = self.root_depth(output, batch)
        with full_precision(depth):
            pixels = apply_affine(self.pixels_per_cell * output.place[:, None], invert_affine(batch["crop_affine"]))
            joints = backproject(pixels, depth[:, None], batch["intrinsics"])
            joints_2d = project(joints, batch["intrinsics"])
        intermediates = {"place": output.place, "correction": output.correction}
        return Prediction(joints, self.skeleton, joints_2d, root_depth_source="rootnet", intermediates=intermediates)
