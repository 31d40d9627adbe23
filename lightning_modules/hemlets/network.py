"""HEMlets' network in plain PyTorch, as released and in any width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.backbones import Pretrained, count_upsamplings, create_backbone
from lightning_modules.common.heads import upsampling
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.posed_body import BodyRotations
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


@dataclass(frozen=True)
class Widths:
    """Channels of the layers.

    Attributes:
        upsampled: after every deconvolution, and of the encoder.
        feature: of the feature branch: 1024 in the release; about 448 gives the paper's 47.7 million parameters.
        hidden: before the last layer.
        regressor: of PoSh's hidden layers.
    """

    upsampled: int = 256
    feature: int = 1024
    hidden: int = 1024
    regressor: int = 1024


class HemletsNet(nn.Module):
    """Backbone, two up-sampling branches, and volumes of both (section 3.2, Fig. 3); RGB in [0, 1] goes in.

    Args:
        joints: J.
        part_maps: number of HEMlets' maps.
        backbone: name in `lightning_modules.common.backbones`; its last features are enlarged to a quarter of the crop.
        depth_bins: depth of the volumes.
        widths: channels of the layers.
        pretrained: weights that the backbone starts from; see `create_backbone`.
        pose_joints: number of rotations of PoSh's body; 0 for no body regressor.

    Raises:
        ValueError: no such backbone, or it ends at stride 4.
    """

    def __init__(
        self,
        joints: int = 18,
        part_maps: int = 42,
        backbone: str = "resnet50",
        depth_bins: int = 64,
        widths: Widths | None = None,
        pretrained: Pretrained = False,
        pose_joints: int = 0,
    ) -> None:
        super().__init__()
        self.count, self.depth_bins = joints, depth_bins
        width = widths or Widths()
        self.backbone = create_backbone(backbone, pretrained, maps=(-1,))
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        channels, times = self.backbone.channels[-1], count_upsamplings(self.backbone, backbone)
        inner = width.upsampled
        self.feature_branch = upsampling(channels, width.upsampled, times)
        self.map_branch = upsampling(channels, width.upsampled, times)
        self.maps = nn.Conv2d(inner, part_maps + joints, 3, padding=1)
        self.encoder = nn.Sequential(
            nn.Conv2d(part_maps + joints, width.upsampled, 3, padding=1),
            nn.BatchNorm2d(width.upsampled),
            nn.ReLU(inplace=True),
        )
        self.fusion = Fusion(inner, width.feature, width.upsampled, width.hidden)
        self.volume = nn.Conv2d(width.hidden, joints * depth_bins, 1)
        init_convolutions(self.feature_branch, self.map_branch, self.maps, self.encoder, self.fusion, self.volume)
        self.regressor = SmplRegressor(channels, joints, pose_joints, width.regressor) if pose_joints else None

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> HemletsOutput:
        """Joints, maps and body of RGB crops."""
        features = self.backbone(self.normalise(image))[-1]
        maps = self.maps(self.map_branch(features))
        mixed = self.fusion(self.feature_branch(features), self.encoder(maps))
        joints = self.locate(self.volume(mixed))
        body = None if self.regressor is None else self.regressor(features, joints)
        return HemletsOutput(joints, maps, body)

    def locate(self, volumes: Float[Tensor, "batch slices height width"]) -> Float[Tensor, "batch joints 3"]:
        """Soft-argmax (Eq. 5) of volumes whose channel = joint * depth_bins + depth; the outermost cells are ±0.5."""
        logits = torch.unflatten(volumes, 1, (self.count, self.depth_bins))
        bins = torch.tensor(logits.shape[:1:-1], device=logits.device)  # of x, y and z
        return soft_argmax_nd(logits) / (bins - 1) - 0.5
