"""RootNet as a LightningModule."""

from __future__ import annotations

from typing import Unpack

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine, project
from body.skeleton import Skeleton, get_skeleton
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.precision import full_precision
from lightning_modules.common.root_depth import pinhole_depth
from lightning_modules.common.training import TrainingOptions
from lightning_modules.prediction import Prediction
from lightning_modules.rootnet.config import RootNetConfig
from lightning_modules.rootnet.network import RootNet, RootOutput

_MILLIMETRES = 1000.0


class RootNetModule(PoseModule):
    """The root joint's place in the camera frame, from a crop and its box (Moon, Chang and Lee, ICCV 2019).

    Its prediction is a pose of one joint, the root of `skeleton`.

    Args:
        network: settings of the network.
        skeleton: joint set of the batches, whose root is learnt.
        protocol: see `PoseModule`.
        **training: see `TrainingOptions`; the defaults are the release's training.

    Raises:
        ValueError: a `root_depth` that is not its own.
    """

    training_defaults = TrainingOptions(lr=1e-3, milestones=[17])
    own_root_depth = "rootnet"
    network: RootNet

    def __init__(
        self,
        network: RootNetConfig = RootNetConfig(),
        skeleton: str = "smpl24",
        protocol: str = "open-v1-root",
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        if self.root_depth != "box":
            raise ValueError("RootNet estimates the root's depth itself; leave root_depth out")
        self.batch_skeleton = whole = get_skeleton(skeleton)
        self.root_index, self.extent = whole.root_index, network.extent
        self.skeleton = Skeleton("root", (whole.root,), (whole.root,), whole.root)
        self.network = RootNet(network, self.training_options["pretrained"])
        self.pixels_per_cell = 4
        self.crop_size, self.crop_margin = network.crop_size, network.crop_margin
        self.example_input_array = torch.zeros(1, 3, network.crop_size, network.crop_size)

    def backbones(self) -> tuple[Backbone, ...]:
        """See `PoseModule.backbones`."""
        return (self.network.backbone,)

    def forward(self, image: Tensor) -> RootOutput:
        """RGB crops in [0, 1] to the root's place and depth correction."""
        return self.network(image)

    def absolute_depth(self, output: RootOutput, batch: Batch) -> Float[Tensor, " batch"]:
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
        depth = (self.absolute_depth(output, batch) - batch["root_depth"]).abs() * batch["root_depth_valid"]
        return {"place": place.mean() / 3, "depth": _MILLIMETRES * depth.mean() / 3}

    def predict(self, batch: Batch) -> Prediction:
        """The root joint in metres: its place in the image, pushed out to its depth."""
        output = self.network(batch["image"])
        depth = self.absolute_depth(output, batch)
        with full_precision(depth):
            pixels = apply_affine(self.pixels_per_cell * output.place[:, None], invert_affine(batch["crop_affine"]))
            joints = backproject(pixels, depth[:, None], batch["intrinsics"])
            joints_2d = project(joints, batch["intrinsics"])
        intermediates = {"place": output.place, "correction": output.correction}
        return Prediction(
            joints, self.skeleton, joints_2d, root_depth_source=self.root_depth_source, intermediates=intermediates
        )
