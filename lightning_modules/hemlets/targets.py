"""Training targets of HEMlets: depth order of the parts, and heat maps; joints in the volume are `common.volumes`'."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from datamodules.batch import Batch
from lightning_modules.common.heatmaps import gaussian_profile
from lightning_modules.common.volumes import JointTargets
from lightning_modules.hemlets.parts import Parts

TILT = 0.5
"""A part whose depth difference is less than this share of its length (30 degrees) counts as level: section 3.3."""
STEEP = 3**0.5 / 2
"""The share at 60 degrees, where the outer two of five states begin."""


class PartStates(NamedTuple):
    """Depth order of every part: r of Eq. 1, 1 when the child is nearer; of five states, -2 to 2."""

    order: Int[Tensor, "batch parts"]
    valid: Bool[Tensor, "batch parts"]


def part_states(batch: Batch, parts: Parts, regressor: Float[Tensor, "joints vertices"] | None) -> PartStates:
    """Depth order of the parts: from 3D joints where there are some, else from order labels (FBI, Ordinal)."""
    points, known = batch["joints"], batch["joints_valid"]
    if regressor is not None:
        has_body = batch["vertices_valid"][:, None].expand_as(known)
        points = torch.where(known.unsqueeze(-1), points, regressor @ batch["vertices"])
        known = known | has_body
    measured = states_from_joints(points, known, parts)
    labelled = states_from_order(batch["depth_order"], batch["depth_order_valid"], parts)
    order = torch.where(measured.valid, measured.order, labelled.order)
    return PartStates(order, measured.valid | labelled.valid)


def states_from_joints(
    points: Float[Tensor, "batch joints 3"], valid: Bool[Tensor, "batch joints"], parts: Parts
) -> PartStates:
    """Eq. 1 with the adaptive epsilon: half of each part's own length."""
    parents, children = list(parts.parents), list(parts.children)
    bones = points[:, parents] - points[:, children]
    share = bones[..., 2] / bones.norm(dim=-1).clamp(min=1e-9)
    size = (share.abs() > TILT).long()
    if parts.encoding == "5s":
        size = size + (share.abs() > STEEP).long()
    return PartStates(share.sign().long() * size, valid[:, parents] & valid[:, children])


def states_from_order(
    order: Int[Tensor, "batch joints joints"], valid: Bool[Tensor, "batch joints joints"], parts: Parts
) -> PartStates:
    """Labels of depth order say which end is nearer, but not how steep a part is: five states need level ones.

    Args:
        order: as `Batch.depth_order`: [i, j] = -1 when joint i is nearer than j.
        valid: which of them are labelled; FBI's "unknown" is not.
        parts: whose states are wanted.
    """
    parents, children = list(parts.parents), list(parts.children)
    found, known = order[:, parents, children], valid[:, parents, children]
    if parts.encoding == "5s":
        known = known & (found == 0)
    return PartStates(found, known)


class HeatMaps(NamedTuple):
    """Targets of the network's maps, and where they count."""

    parts: Float[Tensor, "batch parts states height width"]
    parts_valid: Bool[Tensor, "batch parts"]
    joints: Float[Tensor, "batch joints height width"]
    joints_valid: Bool[Tensor, "batch joints"]


def draw(targets: JointTargets, states: PartStates, parts: Parts, cells: int, sigma: float) -> HeatMaps:
    """Heat maps of the joints and HEMlets of the parts (Eq. 2).

    Gaussians of height 1 mark the joints, not rounded to cells; where two share a map the larger value counts. The maps
    of a part stand from r = -1 (child farther) to r = +1 (child nearer). The parent is in the middle one, with encoding
    `2s` in the one opposite to the child's.

    Args:
        targets: joints.
        states: depth order.
        parts: what the parts are, and how they are encoded.
        cells: side of a map.
        sigma: of the Gaussians, in cells.
    """
    place = (targets.joints[..., :2] + 0.5) * (cells - 1)
    profile = gaussian_profile(place, cells, sigma)
    joints = profile[..., 1, :, None] * profile[..., 0, None, :]
    seen = targets.valid[..., 0]
    parents, children = list(parts.parents), list(parts.children)
    levels = torch.arange(parts.states, device=place.device) - parts.states // 2
    of_child = (levels == states.order[..., None])[..., None, None]
    of_parent = (levels == (-states.order[..., None] if parts.encoding == "2s" else 0))[..., None, None]
    drawn = torch.maximum(joints[:, parents, None] * of_parent, joints[:, children, None] * of_child)
    return HeatMaps(drawn, states.valid & seen[:, parents] & seen[:, children], joints, seen)
