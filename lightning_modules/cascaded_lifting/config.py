"""Settings of Cascaded Dimension-Lifting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lightning_modules.common.config import BackboneConfig, Config

Supervision = Literal["full", "joints_bones", "joints", "none"]
BoneDistance = Literal["squared", "plain"]
Stage = Literal["cascade", "lifting"]
JointsFrom = Literal["lifted", "volume"]


@dataclass(frozen=True, kw_only=True)
class CascadeConfig(BackboneConfig):
    """The network's settings; maps are a quarter of the crop's size.

    Attributes:
        depth_bins: C, depth of the cube and of the volumes; as the maps' side when omitted.
        depth_range: metres covered by the depth axis.
        head_channels: width of the image-context branch.
        intermediate: the steps between image and volumes; without them the volumes follow from the image's features, as
            in 3DMPPE's PoseNet: the baseline of Table 4, 44.9 million parameters with the lifting block.
        branch_channels: width of the other branch (S3HT).
        own_upsampling: whether that branch has deconvolutions of its own; otherwise it starts from the context branch's
            features, which costs a few parameters only.
        lifting_channels: width of the lifting block; 1024 in the paper.
        lifting_blocks: its residual blocks; 5 in the paper.
        dropout: of the lifting block.
        lifting_camera: let the lifting block know where in the image the crop lies, and correct what a pinhole camera
            makes of the 2.5D joints. Not in the paper.
        joint_prior: x and y of joints are those that the backbone says, and its depths are where the volumes' depths
            start; for `people_movenet`. Not in the paper.
    """

    depth_bins: int | None = None
    depth_range: float = 2.0
    head_channels: int = 256
    intermediate: bool = True
    branch_channels: int = 256
    own_upsampling: bool = True
    lifting_channels: int = 1024
    lifting_blocks: int = 5
    dropout: float = 0.5
    lifting_camera: bool = False
    joint_prior: bool = False

    @property
    def cells(self) -> int:
        """Side of the maps."""
        return self.crop_size // 4

    @property
    def bins(self) -> int:
        """Depth of the cube and of the volumes."""
        return self.depth_bins or self.cells


@dataclass(frozen=True, kw_only=True)
class CascadeLossConfig(Config):
    """What the first stage is trained with; the paper gives no weights.

    With these, each intermediate term starts at 10 to 20 % of the joints' loss.

    Attributes:
        supervision: what is supervised beside the 2.5D joints (Table 4).
        sigma: of the joints' Gaussians, in cells.
        bone_sigma: of the bones' in the end; twice as much at the beginning.
        bone_epochs: epochs over which it shrinks.
        bone_distance: `squared`, as in a Gaussian, or `plain` as Eq. 1 is printed.
        joint_weight: of the joints' maps.
        bone_weight: of the bones' maps.
        cube_weight: of the depth cube.
        ordinal_weight: of the ordinal loss.
    """

    supervision: Supervision = "full"
    sigma: float = 2.0
    bone_sigma: float = 2.0
    bone_epochs: int = 10
    bone_distance: BoneDistance = "squared"
    joint_weight: float = 0.005
    bone_weight: float = 0.0005
    cube_weight: float = 0.005
    ordinal_weight: float = 0.03
