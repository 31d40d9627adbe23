"""PoSh: SMPL's rotations and shape from the 3D joints and the image features (section 4)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.common.rotations import matrix_from_6d


class SmplRegressor(nn.Module):
    """Two hidden layers on the averaged last features of the backbone and the predicted joints.

    The paper gives neither widths nor the form of a rotation; here it is the continuous six-number one, which always
    answers with a rotation.

    Args:
        channels: width of the features.
        joints: number of joints put in.
        pose_joints: number of rotations.
        width: of the hidden layers.
    """

    def __init__(self, channels: int, joints: int, pose_joints: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(channels + 3 * joints, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
        )
        self.pose = nn.Linear(width, 6 * pose_joints)
        self.betas = nn.Linear(width, 10)
        upright = torch.tensor([1.0, 0, 0, -1, 0, 0])  # bodies have y up, the camera has y down
        unturned = torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(pose_joints - 1)
        for layer in (self.pose, self.betas):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.pose.bias.copy_(torch.cat([upright, unturned]))

    def forward(
        self, features: Float[Tensor, "batch channels height width"], joints: Float[Tensor, "batch joints 3"]
    ) -> BodyRotations:
        """Last features and joints in [-0.5, 0.5] to the body."""
        seen = torch.cat([features.mean((2, 3)), 4 * joints.flatten(1).to(features.dtype)], 1)  # a spread of about one
        hidden = self.hidden(seen)
        rotations = matrix_from_6d(self.pose(hidden).unflatten(1, (-1, 6)))
        return BodyRotations(rotations, self.betas(hidden).float())
