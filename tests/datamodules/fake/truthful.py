"""A method that answers with the labels: what it scores is what the rest of the evaluation gets wrong."""

from typing import Literal, Unpack

import torch
from torch import nn

from body.camera import project
from body.load import load_body
from body.skeleton import get_skeleton
from lightning_modules.base import PoseModule
from lightning_modules.common.training import TrainingOptions
from lightning_modules.prediction import Prediction, SmplParameters


class TruthfulModule(PoseModule):
    """Joints as annotated, or the neutral body of the labels' parameters, as a method of body parameters would have it.

    Args:
        says: which of the two.
        body, skeleton, protocol, crop_size: as those of any method.
    """

    def __init__(
        self,
        says: Literal["joints", "parameters"] = "parameters",
        body: str = "smpl",
        skeleton: str = "smpl24",
        protocol: str = "open-v1",
        crop_size: int = 32,
        **training: Unpack[TrainingOptions],
    ) -> None:
        super().__init__(protocol, **training)
        self.save_hyperparameters()
        self.says, self.skeleton, self.crop_size = says, get_skeleton(skeleton), crop_size
        self.body = load_body(body) if says == "parameters" else None
        self.network = nn.Linear(1, 1)

    def predict(self, batch):
        if self.body is None:
            joints_2d = project(batch["joints"], batch["intrinsics"])
            return Prediction(batch["joints"], self.skeleton, joints_2d, self.root_depth_source)
        smpl = SmplParameters(batch["pose"], batch["betas"], batch["transl"])
        with torch.no_grad():
            vertices = self.body(smpl.pose + self.body.mean_pose, smpl.betas, smpl.transl).vertices
        joints = self.body.regress(vertices, self.skeleton.name)
        joints_2d = project(joints, batch["intrinsics"])
        return Prediction(joints, self.skeleton, joints_2d, self.root_depth_source, vertices, self.body.faces, smpl)
