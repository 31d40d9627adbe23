"""HEMlets' network in plain PyTorch, as released and in any width."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.backbones import Pretrained, count_upsamplings, create_backbone
from lightning_modules.common.heads import enlarging
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.joint_prior import VolumePrior, check_knows_joints, person_maps
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.hemlets.config import HemletsConfig
from lightning_modules.hemlets.fusion import Fusion
from lightning_modules.hemlets.regressor import SmplRegressor


class HemletsOutput(NamedTuple):
    """What the network says about a crop."""

    joints: Float[Tensor, "batch joints 3"]
    """(x, y, z) in [-0.5, 0.5]: across the crop, and across the depth range about the root."""
    maps: Float[Tensor, "batch maps height width"]
    """HEMlets, part by part, then one 2D heat map per joint; raw values, 1 at a peak."""
    body: BodyRotations | None
    """PoSh's body, as seen along the ray through the middle of the crop; None without the regressor."""


class HemletsNet(nn.Module):
    """Backbone, two up-sampling branches, and volumes of both (section 3.2, Fig. 3); RGB in [0, 1] goes in.

    Args:
        config: settings.
        joints: J.
        part_maps: number of HEMlets' maps.
        pose_joints: number of rotations of PoSh's body; 0 for no body regressor.
        pretrained: weights that the backbone starts from; see `create_backbone`.
        prior: what the backbone says of the joints is to count; for `people_movenet`.

    Raises:
        ValueError: no such backbone, it ends at a stride below 4, or it has no maps for the prior.
    """

    def __init__(
        self,
        config: HemletsConfig = HemletsConfig(),
        joints: int = 18,
        part_maps: int = 42,
        pose_joints: int = 0,
        pretrained: Pretrained = False,
        prior: VolumePrior | None = None,
    ) -> None:
        super().__init__()
        self.count, self.depth_bins, width = joints, config.bins, config.head_channels
        self.backbone = create_backbone(config.backbone, pretrained, maps=(-1,), output_stride=config.output_stride)
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        channels, times = self.backbone.channels[-1], count_upsamplings(self.backbone, config.backbone)
        self.feature_branch = enlarging(channels, width, times)
        self.map_branch = enlarging(channels, width, times)
        self.maps = nn.Conv2d(width, part_maps + joints, 3, padding=1)
        self.encoder = nn.Sequential(
            nn.Conv2d(part_maps + joints, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.fusion = Fusion(width, config.feature_channels, width, config.hidden_channels)
        self.volume = nn.Conv2d(config.hidden_channels, joints * config.bins, 1)
        init_convolutions(self.feature_branch, self.map_branch, self.maps, self.encoder, self.fusion, self.volume)
        self.prior = prior
        if prior is not None:
            check_knows_joints(self.backbone)
        self.regressor = None
        if pose_joints:
            self.regressor = SmplRegressor(channels, joints, pose_joints, config.regressor_channels)

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> HemletsOutput:
        """Joints, maps and body of RGB crops."""
        features = self.backbone(self.normalise(image))[-1]
        maps = self.maps(self.map_branch(features))
        mixed = self.fusion(self.feature_branch(features), self.encoder(maps))
        volumes = self.volume(mixed)
        if self.prior is not None:
            said = torch.unflatten(volumes, 1, (self.count, self.depth_bins))
            volumes = self.prior(said, person_maps(self.backbone, features)).flatten(1, 2)
        joints = self.locate(volumes)
        body = None if self.regressor is None else self.regressor(features, joints)
        return HemletsOutput(joints, maps, body)

    def locate(self, volumes: Float[Tensor, "batch slices height width"]) -> Float[Tensor, "batch joints 3"]:
        """Soft-argmax (Eq. 5) of volumes whose channel = joint * depth_bins + depth; the outermost cells are ±0.5."""
        logits = torch.unflatten(volumes, 1, (self.count, self.depth_bins))
        bins = torch.tensor(logits.shape[:1:-1], device=logits.device)  # of x, y and z
        return soft_argmax_nd(logits) / (bins - 1) - 0.5
