"""SMPL or MANO parameters from the joints of the predicted mesh: the paper's "+ SMPL regress"."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.posed_body import BodyParameters
from lightning_modules.common.precision import full_precision
from lightning_modules.common.rotations import axis_angle_from_6d


class ParameterRegressor(nn.Module):
    """Two fully connected layers from joints to body parameters (section 5.3).

    Args:
        joints: number of joints put in.
        pose_joints: number of rotations that the body takes: 24 for SMPL, 16 for MANO.
    """

    def __init__(self, joints: int, pose_joints: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(3 * joints, 1024),
            nn.BatchNorm1d(1024),
            nn.ReLU(inplace=True),
            nn.Linear(1024, 512),
            nn.BatchNorm1d(512),
            nn.ReLU(inplace=True),
        )
        self.pose = nn.Linear(512, 6 * pose_joints)
        self.betas = nn.Linear(512, 10)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            # a nearly zero vector has no direction; the release starts at zero and lets the first steps find one
            self.pose.bias.copy_(torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(pose_joints))

    def forward(self, joints: Float[Tensor, "batch joints 3"]) -> BodyParameters:
        """Joints in lixels, as `Lixels.joints_from_mesh`, to parameters."""
        with full_precision(joints):
            hidden = self.fc(joints.flatten(1))
            return BodyParameters(axis_angle_from_6d(self.pose(hidden).unflatten(1, (-1, 6))), self.betas(hidden))
