"""Joints in a volume that covers the crop and a range of depths: targets and losses of HEMlets and of Cascaded Lifting.

Convention:
    A joint at crop pixel p has x = p / crop_size - 0.5, and z = (depth - depth of the root) / depth_range. The cells of
    a heat map or volume with n of them are at i / (n - 1) - 0.5, as HEMlets was released. Example: 64 cells, a crop of
    256 pixels: pixel 128 lies at x = 0, between cells 31 and 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from body.camera import apply_affine, project
from datamodules.batch import Batch


class JointTargets(NamedTuple):
    """Joints in the network's space, each coordinate with a mask."""

    joints: Float[Tensor, "batch joints 3"]
    valid: Bool[Tensor, "batch joints 3"]


@dataclass(frozen=True)
class VolumeSpace:
    """The volume that joints are estimated in.

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
        points, points_valid = batch["joints"], batch["joints_valid"]
        pixels, pixels_valid = batch["joints_2d"], batch["joints_2d_valid"]
        root_depth, has_root = batch["root_depth"], batch["root_depth_valid"]
        if regressor is not None:
            fitted = torch.where(batch["vertices_valid"][:, None, None], batch["vertices"], 1.0)
            body = regressor @ fitted
            has_body = batch["vertices_valid"][:, None].expand_as(points_valid)
            shown = apply_affine(project(body, batch["intrinsics"]), batch["crop_affine"])
            pixels = torch.where(pixels_valid.unsqueeze(-1), pixels, shown)
            points = torch.where(points_valid.unsqueeze(-1), points, body)
            pixels_valid, points_valid = pixels_valid | has_body, points_valid | has_body
            root_depth = torch.where(has_root, root_depth, points[:, root, 2])
            has_root = has_root | points_valid[:, root]
        depth = (points[..., 2] - root_depth[:, None]) / self.depth_range
        joints = torch.cat([pixels / self.crop_size - 0.5, depth.unsqueeze(-1)], -1)
        valid = torch.stack([pixels_valid, pixels_valid, points_valid & has_root[:, None]], -1)
        inside = (joints.abs() <= 0.5) | ~valid  # a joint without depth is judged by x and y alone
        return JointTargets(torch.where(valid, joints, 0.0), valid & inside.all(-1, keepdim=True))


def squared_error(
    predicted: Float[Tensor, "batch maps *cells"],
    target: Float[Tensor, "batch maps *cells"],
    valid: Bool[Tensor, "batch maps"],
) -> Float[Tensor, ""]:
    """Sum of squares over cells and maps with a label, mean over the batch (Eqs. 3 and 4)."""
    square = (predicted.float() - target).square().flatten(2).sum(2)
    return (square * valid).sum() / len(valid)


def joint_loss(predicted: Float[Tensor, "batch joints 3"], target: JointTargets) -> Float[Tensor, ""]:
    """L1 over the coordinates that have a label, mean over the batch: lambda of Eq. 6 is the mask of z."""
    return ((predicted - target.joints).abs() * target.valid).sum() / len(predicted)
