"""What a backbone that knows people says of joints, for heads that need not learn it again.

MoveNet found its joints in photographs; a head that learns from renderings finds them less well there. So x and y of
joints that the backbone knows are the backbone's, and the head says how deep they lie.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from body.skeleton import OPEN36, Skeleton
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.backbones.joint_refiner import SHIFTS
from lightning_modules.common.backbones.movenet_people import PeopleMoveNet, PersonMaps
from lightning_modules.common.heatmaps import soft_argmax, soft_argmax_nd
from lightning_modules.common.precision import full_precision

STRIDE = 4
"""Crop pixels between two cells of the backbone's finest map."""


class KnownJoints(NamedTuple):
    """Joints of `OPEN36` that a backbone says."""

    cells: Float[Tensor, "batch 36 2"]
    """x and y in cells: crop pixels / `STRIDE`."""
    depth: Float[Tensor, "batch 36"]
    """Behind the root, metres."""


def person_maps(backbone: Backbone, features: Float[Tensor, "batch channels height width"]) -> PersonMaps:
    """What a backbone's map says of the person; see `PeopleMoveNet.read`."""
    return cast(PeopleMoveNet, backbone.net).read(features)


def check_knows_joints(backbone: Backbone, setting: str = "joint_prior") -> None:
    """Refuse a backbone without maps of joints.

    Raises:
        ValueError: it has none.
    """
    if not isinstance(backbone.net, PeopleMoveNet) or backbone.reductions[0] == 32:
        raise ValueError(
            f"{setting}: true needs a backbone that says where joints are; use people_movenet with strides"
        )


def known_joints(maps: PersonMaps) -> KnownJoints:
    """The backbone's joints."""
    depth = maps.places[..., 2]
    return KnownJoints(maps.places[..., :2], depth - depth[:, OPEN36.root_index, None])


class VolumePrior(nn.Module):
    """Joints in volumes, where a backbone knows their places: x and y are its own, z is read where the joint is.

    With P the backbone's likelihood of a cell and g the joint's depth in bins, a joint's logits of depth are
    `sum_xy P(x, y) said(z, y, x) - (z - g)^2 / 2`: a head that says nothing leaves the backbone's depth. A joint that
    the backbone does not know is where the head's volume has its mean.

    Args:
        skeleton: the method's joints.
        depth_range: metres that the depth axis covers, the root in its middle.
        last_bin: the depth axis ends at the last bin, and the crop at the last cell (HEMlets); else one bin, or cell,
            further (Cascaded Lifting).
    """

    positions: Tensor
    known: Bool[Tensor, " joints"]
    shifts: Float[Tensor, " joints"]

    def __init__(self, skeleton: Skeleton, depth_range: float, last_bin: bool) -> None:
        super().__init__()
        positions = torch.tensor(OPEN36.positions_of(skeleton))
        self.register_buffer("positions", positions.clamp(min=0), persistent=False)
        self.register_buffer("known", positions >= 0, persistent=False)
        self.register_buffer("shifts", torch.tensor(SHIFTS)[self.positions], persistent=False)
        self.all_known = bool(self.known.all())
        self.root, self.depth_range, self.last_bin = skeleton.root_index, depth_range, last_bin

    def forward(
        self, said: Float[Tensor, "batch joints bins height width"], maps: PersonMaps
    ) -> Float[Tensor, "batch joints 3"]:
        """Joints in cells and bins, in float32.

        Args:
            said: logits of the head.
            maps: the backbone's.
        """
        with full_precision(said):
            logits = self.resample(maps.joints.float()[:, self.positions])
            likelihood = functional.softmax(logits.flatten(2), -1)
            depth, across = self.refined(maps.places, logits.shape[-1])
            bins = said.shape[2]
            middle = (depth - depth[:, self.root, None]) / self.depth_range + 0.5
            axis = torch.arange(bins, dtype=torch.float32, device=said.device)
            deep = (said.float().flatten(3) @ likelihood.unsqueeze(-1)).squeeze(-1)
            deep = deep - 0.5 * (axis - middle.unsqueeze(-1) * (bins - self.last_bin)).square()
            joints = torch.cat([across, soft_argmax(deep).unsqueeze(-1)], -1)
            if self.all_known:
                return joints
            return torch.where(self.known[:, None], joints, soft_argmax_nd(said))

    def refined(
        self, places: Float[Tensor, "batch 36 3"], side: int
    ) -> tuple[Float[Tensor, "batch joints"], Float[Tensor, "batch joints 2"]]:
        """The method's joints among those that all maps suggest: depth, and the volumes' cells."""
        chosen = places[:, self.positions].float()
        return chosen[..., 2], chosen[..., :2] * ((side - 1) / side if self.last_bin else 1.0)

    def resample(self, maps: Float[Tensor, "batch joints height width"]) -> Float[Tensor, "batch joints height width"]:
        """The backbone's maps at the cells of the method's volumes, linearly interpolated; beyond the ends the ends."""
        side = maps.shape[-1]
        cells = torch.arange(side, dtype=maps.dtype, device=maps.device)
        scale = side / (side - 1) if self.last_bin else 1.0
        read = (cells * scale - self.shifts[:, None]).clamp(0, side - 1)
        weights = (1 - (read[..., None] - cells).abs()).clamp(min=0)
        return weights @ maps @ weights.mT
