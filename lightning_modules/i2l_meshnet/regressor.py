"""SMPL or MANO parameters from the joints of the predicted mesh: the paper's "+ SMPL regress"."""

from __future__ import annotations

from typing import NamedTuple

import roma
import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.precision import full_precision


class BodyParameters(NamedTuple):
    """What a body model is posed with; MANO's mean pose is not in it."""

    pose: Float[Tensor, "batch joints 3"]
    """Axis-angle, radians, joint 0 the orientation in the camera frame."""
    betas: Float[Tensor, "batch 10"]


def axis_angle_from_6d(numbers: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3"]:
    """Axis-angle from the continuous six-number form of a rotation (Zhou et al. 2019), in float32.

    Convention:
        The numbers are a 3 x 2 matrix, row by row; Gram-Schmidt on its columns gives the first two columns of the
        rotation matrix. Example: (1, 0, 0, 1, 0, 0) is no rotation. Angles are in [0, pi].
    """
    with full_precision(numbers):
        matrix = roma.special_gramschmidt(numbers.float().view(*numbers.shape[:-1], 3, 2))
        return roma.rotmat_to_rotvec(matrix)


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
        hidden = self.fc(joints.flatten(1))
        return BodyParameters(
            axis_angle_from_6d(self.pose(hidden).view(len(joints), -1, 6)), self.betas(hidden).float()
        )
