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

from body.skeleton import COCO17, OPEN36, Skeleton
from lightning_modules.common.backbones import Backbone
from lightning_modules.common.backbones.movenet_people import PeopleMoveNet, PersonMaps
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.precision import full_precision

STRIDE = 4
"""Crop pixels between two cells of the backbone's finest map."""
SHIFTS = tuple(0.5 if joint in COCO17.joints else 0.0 for joint in OPEN36.joints)
"""Cells by which a joint lies further right and down than its map says: MoveNet's pixels begin at the corner of a cell."""


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
        raise ValueError(f"{setting}: true needs a backbone that says where joints are; use people_movenet with strides")


def known_joints(maps: PersonMaps) -> KnownJoints:
    """Expectations under each joint's map, in float32."""
    with full_precision(maps.joints):
        likelihood = functional.softmax(maps.joints.flatten(2).float(), -1)
        depth = (likelihood * maps.depths.flatten(2)).sum(-1)
        root = OPEN36.root_index
        cells = soft_argmax_nd(maps.joints.float()) + torch.tensor(SHIFTS, device=depth.device)[:, None]
        return KnownJoints(cells, depth - depth[:, root, None])


class VolumePrior(nn.Module):
    """Volumes of a method's joints: P(x, y) is the backbone's, P(z | x, y) the backbone's times what the head says.

    With a head that says nothing a joint has the backbone's x, y and depth. Of joints that the backbone does not know
    the volume is the head's alone.

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
        self.root, self.depth_range, self.last_bin = skeleton.root_index, depth_range, last_bin

    def forward(
        self, said: Float[Tensor, "batch joints bins height width"], maps: PersonMaps
    ) -> Float[Tensor, "batch joints bins height width"]:
        """Logits of the volumes, in float32.

        Args:
            said: the head's.
            maps: the backbone's.
        """
        with full_precision(said):
            logits, depths = (values.float()[:, self.positions] for values in (maps.joints, maps.depths))
            likelihood = functional.softmax(logits.flatten(2), -1)
            root = (likelihood * depths.flatten(2)).sum(-1)[:, self.root, None, None, None]
            bins = said.shape[2]
            middle = (depths - root) / self.depth_range + 0.5
            centre = (middle * (bins - self.last_bin)).clamp(0, bins - 1)
            logits, centre = self.resample(logits), self.resample(centre)
            axis = torch.arange(bins, dtype=torch.float32, device=said.device)[:, None, None]
            deep = said.float() - 0.5 * (axis - centre[:, :, None]).square()
            prior = logits[:, :, None] + functional.log_softmax(deep, 2)
            return torch.where(self.known[:, None, None, None], prior, said.float())

    def resample(self, maps: Float[Tensor, "batch joints height width"]) -> Float[Tensor, "batch joints height width"]:
        """The backbone's maps at the cells of the method's volumes, linearly interpolated; beyond the ends the ends."""
        side = maps.shape[-1]
        cells = torch.arange(side, dtype=maps.dtype, device=maps.device)
        scale = side / (side - 1) if self.last_bin else 1.0
        read = (cells * scale - self.shifts[:, None]).clamp(0, side - 1)
        weights = (1 - (read[..., None] - cells).abs()).clamp(min=0)
        return weights @ maps @ weights.mT
