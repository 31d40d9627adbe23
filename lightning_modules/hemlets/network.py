"""HEMlets' network in plain PyTorch, as released and in any width."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.backbones import Pretrained, count_upsamplings, create_backbone
from lightning_modules.common.backbones.movenet_people import PersonMaps
from lightning_modules.common.heads import enlarging
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.joint_prior import VolumePrior, check_knows_joints, known_joints, person_maps
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.pose_prior import PosePrior
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
        pose_prior: the same for the body, which starts from the pose that these joints suggest. Except in training its
            limbs are put where they are.

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
        pose_prior: PosePrior | None = None,
    ) -> None:
        super().__init__()
        self.crop_size = config.crop_size
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
        self.regressor, self.pose_prior = None, None if prior is None else pose_prior
        if pose_joints:
            starts = self.pose_prior is not None
            self.regressor = SmplRegressor(channels, joints, pose_joints, config.regressor_channels, starts)

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> HemletsOutput:
        """Joints, maps and body of RGB crops."""
        features = self.backbone(self.normalise(image))[-1]
        maps = self.maps(self.map_branch(features))
        mixed = self.fusion(self.feature_branch(features), self.encoder(maps))
        known = None if self.prior is None else person_maps(self.backbone, features)
        joints = self.locate(self.volume(mixed), known)
        return HemletsOutput(joints, maps, self.regress(features, joints, known))

    def regress(
        self,
        features: Float[Tensor, "batch channels height width"],
        joints: Float[Tensor, "batch joints 3"],
        known: PersonMaps | None = None,
    ) -> BodyRotations | None:
        """PoSh's body, if there is a regressor; arguments as in `locate` and `SmplRegressor`."""
        if self.regressor is None:
            return None
        if self.pose_prior is None or known is None:
            return self.regressor(features, joints)
        places = known_joints(known)
        body = self.regressor(features, joints, self.pose_prior.start(places))
        if self.training:
            return body
        return BodyRotations(
            self.pose_prior.follow(body.rotations, body.betas, places, self.crop_size).rotations, body.betas
        )

    def locate(
        self, volumes: Float[Tensor, "batch slices height width"], known: PersonMaps | None = None
    ) -> Float[Tensor, "batch joints 3"]:
        """Soft-argmax (Eq. 5) of volumes whose channel = joint * depth_bins + depth; the outermost cells are ±0.5.

        Args:
            volumes: of the head.
            known: what the backbone says, for the prior.
        """
        logits = torch.unflatten(volumes, 1, (self.count, self.depth_bins))
        bins = torch.tensor(logits.shape[:1:-1], device=logits.device)  # of x, y and z
        found = soft_argmax_nd(logits) if self.prior is None or known is None else self.prior(logits, known)
        return found / (bins - 1) - 0.5
