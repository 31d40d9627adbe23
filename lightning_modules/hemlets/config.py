"""Settings of HEMlets and HEMlets PoSh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lightning_modules.common.config import BackboneConfig, Config

Encoding = Literal["hemlets", "5s", "2s"]
Supervision = Literal["full", "hemlets", "heatmaps", "none"]
DepthSearch = Literal["bones", "released"]
TrueBody = Literal["none", "shape", "pose"]


@dataclass(frozen=True, kw_only=True)
class HemletsConfig(BackboneConfig):
    """The network's settings; maps are a quarter of the crop's size.

    Attributes:
        depth_bins: depth of the volumes; as the maps' side when omitted.
        depth_range: metres covered by the depth axis.
        head_channels: width of the up-sampled features, and of the encoder; 256 in the release.
        feature_channels: of the feature branch; 1024 in the release, about 448 gives the paper's 47.7 million
            parameters.
        hidden_channels: before the volumes; 1024 in the release.
        parts: (parent, child) joint names of the parts; `parts.DEFAULT_PARTS` when omitted.
        encoding: maps of a part (Fig. 9): `hemlets`: triplets; `5s`: five angles; `2s`: both joints by depth order.
        smpl: whether there is PoSh's regressor, which needs a body.
        regressor_channels: width of its hidden layers.
        joint_prior: x and y of joints are those that the backbone says, its depths are where the volumes' depths start,
            and the body starts from them; for `people_movenet`. Not in the paper.
    """

    depth_bins: int | None = None
    depth_range: float = 2.0
    head_channels: int = 256
    feature_channels: int = 1024
    hidden_channels: int = 1024
    parts: list[list[str]] | None = None
    encoding: Encoding = "hemlets"
    smpl: bool = False
    regressor_channels: int = 1024
    joint_prior: bool = False

    @property
    def bins(self) -> int:
        """Depth of the volumes."""
        return self.depth_bins or self.crop_size // 4


@dataclass(frozen=True, kw_only=True)
class HemletsLossConfig(Config):
    """What the network is trained with.

    Attributes:
        supervision: maps that are supervised beside the joints (Table 4): `hemlets`, `heatmaps`, both (`full`), `none`.
        sigma: of the heat maps' Gaussians, in cells.
        alpha: weight of the maps' losses (Eqs. 7 and 8); 0.05 in the paper.
        rotation_weight: of Eq. 9; 1 in the paper.
        betas_weight: of Eq. 10; 1 in the paper.
        skeleton_weight: of the distances (sum of absolute coordinates in metres) of the posed joints from the root. Not
            in the paper: small mistakes of rotations add up along a limb, and with few training steps that is most of
            the error.
    """

    supervision: Supervision = "full"
    sigma: float = 2.0
    alpha: float = 0.05
    rotation_weight: float = 1.0
    betas_weight: float = 1.0
    skeleton_weight: float = 0.0
