"""Settings of I2L-MeshNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lightning_modules.common.config import BackboneConfig, Config

Cascade = Literal["pose_net", "true", "none"]
LixelHeadName = Literal[
    "lixel", "lixel_max", "lixel_weighted", "lixel_early", "lixel_pooled",
    "coordinates", "pixel_lixel", "pixel_depth", "voxel",
]  # fmt: skip
"""Heads that need nothing but their size."""
MeshHead = Literal[LixelHeadName, "smpl"]
LossTerms = Literal["paper", "release"]
Stage = Literal["lixel", "param"]
JointsFrom = Literal["mesh", "pose_net"]


@dataclass(frozen=True, kw_only=True)
class I2LMeshNetConfig(BackboneConfig):
    """The network's settings. PoseNet and MeshNet have a backbone each, after a stem that they share.

    Attributes:
        head_channels: width c' of both heads; 256 in the paper.
        sigma: of the Gaussians that show MeshNet the joints, in bins; there are crop_size / 4 bins.
        depth_range: metres covered by the depth axis (2 for bodies, 0.3 for hands).
        cascade: what MeshNet is shown beside the image (Table 3): the joints of `pose_net`, the `true` ones (of the
            batch, in training and test), or `none`. Only the first has a PoseNet.
        mesh_head: what the mesh is predicted with (Tables 1, 2, 8, 9 and 10): the paper's `lixel`, another one of
            `heads`, or `smpl` (body parameters).
        mesh_bins: length of the mesh's own heat maps (Table 2); as PoseNet's when omitted.
        mesh_map: which of the backbone's maps MeshNet's head reads, counted from the end; MeshNet has no later stages.
            -1 in the paper. MeshNet sees PoseNet's joints, so that -2 costs little where weights have to be few.
        joint_prior: in the end, but not in training, the mesh is drawn half way to a body posed by the backbone's
            joints, its limbs are moved there, and bones say how far away it is; for `people_movenet`. Not in the paper.
        normalise: give the backbone images as its weights expect them; the released network reads RGB in [0, 1].
    """

    head_channels: int = 256
    sigma: float = 2.5
    depth_range: float = 2.0
    cascade: Cascade = "pose_net"
    mesh_head: MeshHead = "lixel"
    mesh_bins: int | None = None
    mesh_map: int = -1
    joint_prior: bool = False
    normalise: bool = False


@dataclass(frozen=True, kw_only=True)
class I2LMeshNetLossConfig(Config):
    """What the network is trained with; terms without a weight here have 1.

    Attributes:
        terms: `paper`: the five terms of Eq. 13, every joint against the fitted body where there is one and against
            the dataset's own annotation otherwise. `release`: seven terms; both annotations, each with its own term
            (more accurate joints, rougher meshes, say the authors).
        normal_weight: of the normal loss.
        edge_weight: of the edge loss.
        mesh_joint_weight: of the joints that are regressed from the mesh (0: Table 11, "wo. L_pose of MeshNet").
        part_weight: of the part labels' loss on PoseNet, for starts without ImageNet weights (see `PartLoss`).
        pose_steps: first steps in which PoseNet is trained alone; it needs several times more steps than MeshNet, and
            without the mesh each costs a third.
    """

    terms: LossTerms = "paper"
    normal_weight: float = 0.1
    edge_weight: float = 1.0
    mesh_joint_weight: float = 1.0
    part_weight: float = 0.0
    pose_steps: int = 0
