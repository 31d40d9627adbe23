"""Training targets: depth order of the parts, heat maps, joints in the volume.

Convention:
    A joint at crop pixel p has x = p / crop_size - 0.5, and z = (depth - depth of the root) / depth_range. The cells of
    a heat map or volume with n of them are at i / (n - 1) - 0.5, as released. Example: 64 cells, a crop of 256 pixels:
    pixel 128 lies at x = 0, between cells 31 and 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from body.camera import apply_affine, project
from datamodules.batch import Batch
from lightning_modules.common.heatmaps import gaussian_profile
from lightning_modules.hemlets.parts import Parts

TILT = 0.5
"""A part whose depth difference is less than this share of its length (30 degrees) counts as level: section 3.3."""
STEEP = 3**0.5 / 2
"""The share at 60 degrees, where the outer two of five states begin."""


class JointTargets(NamedTuple):
    """Joints in the network's space, each coordinate with a mask."""

    joints: Float[Tensor, "batch joints 3"]
    valid: Bool[Tensor, "batch joints 3"]


class PartStates(NamedTuple):
    """Depth order of every part: r of Eq. 1, 1 when the child is nearer; of five states, -2 to 2."""

    order: Int[Tensor, "batch parts"]
    valid: Bool[Tensor, "batch parts"]


@dataclass(frozen=True)
class VolumeSpace:
    """The volume that the joints are found in.

    Attributes:
        crop_size: side of the crop in pixels.
        depth_range: metres that the z axis covers, centred on the root joint.
    """

    crop_size: int
    depth_range: float = 2.0

    def targets(self, batch: Batch, regressor: Float[Tensor, "joints vertices"] | None, root: int) -> JointTargets:
        """The batch's joints; those it does not have come from the fitted body where there is one.

        Args:
            batch: with joints in the network's skeleton.
            regressor: of that skeleton, or None for no body.
            root: index of its root.
        """
        points, known = batch["joints"], batch["joints_valid"]
        pixels, seen = batch["joints_2d"], batch["joints_2d_valid"]
        root_depth, has_root = batch["root_depth"], batch["root_depth_valid"]
        if regressor is not None:
            fitted = torch.where(batch["vertices_valid"][:, None, None], batch["vertices"], 1.0)
            body = regressor @ fitted
            has_body = batch["vertices_valid"][:, None].expand_as(known)
            shown = apply_affine(project(body, batch["intrinsics"]), batch["crop_affine"])
            pixels = torch.where(seen.unsqueeze(-1), pixels, shown)
            points = torch.where(known.unsqueeze(-1), points, body)
            seen, known = seen | has_body, known | has_body
            root_depth = torch.where(has_root, root_depth, points[:, root, 2])
            has_root = has_root | known[:, root]
        depth = (points[..., 2] - root_depth[:, None]) / self.depth_range
        joints = torch.cat([pixels / self.crop_size - 0.5, depth.unsqueeze(-1)], -1)
        valid = torch.stack([seen, seen, known & has_root[:, None]], -1)
        inside = (joints.abs() <= 0.5) | ~valid  # a joint without depth is judged by x and y alone
        return JointTargets(torch.where(valid, joints, 0.0), valid & inside.all(-1, keepdim=True))

    def part_states(self, batch: Batch, parts: Parts, regressor: Float[Tensor, "joints vertices"] | None) -> PartStates:
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
