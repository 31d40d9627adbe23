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
        starts: answers are added to a pose that is put in, too.
    """

    mean: Tensor

    def __init__(self, channels: int, joints: int, pose_joints: int, width: int, starts: bool = False) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(channels + 3 * joints + (6 * pose_joints if starts else 0), width),
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
        mean = torch.cat([upright, unturned])
        self.register_buffer("mean", mean, persistent=False)
        with torch.no_grad():
            if not starts:
                self.pose.bias.copy_(mean)

    def forward(
        self,
        features: Float[Tensor, "batch channels height width"],
        joints: Float[Tensor, "batch joints 3"],
        start: Float[Tensor, "batch rotations 3 3"] | None = None,
    ) -> BodyRotations:
        """Last features, joints in [-0.5, 0.5], and the pose to start from, to the body."""
        seen = [features.mean((2, 3)), 4 * joints.flatten(1).to(features.dtype)]  # a spread of about one
        first = None if start is None else start[..., :2].flatten(1)
        if first is not None:
            seen.append((first - self.mean).to(features.dtype))
        hidden = self.hidden(torch.cat(seen, 1))
        numbers = self.pose(hidden) if first is None else self.pose(hidden).float() + first
        rotations = matrix_from_6d(numbers.unflatten(1, (-1, 6)))
        return BodyRotations(rotations, self.betas(hidden).float())
