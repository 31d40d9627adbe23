"""Between metres in the camera frame and lixels: training targets, and the decoding of predictions.

Convention:
    Lixel (x, y) = crop pixel * bins / crop_size, no half-pixel offset. Lixel z = ((z - z_root) / (range / 2) + 1) / 2 *
    bins, z in metres along the optical axis. Example: 64 bins, a range of 2 m, a point 0.5 m behind the root: z = 48.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from body.camera import apply_affine, backproject, invert_affine, project
from datamodules.batch import Batch
from lightning_modules.common.precision import full_precision


class LixelTargets(NamedTuple):
    """What the losses compare with, in lixel units; a mask is false without a label, or off the heat maps."""

    joints: Float[Tensor, "batch joints 3"]
    """The dataset's own joints."""
    joints_valid: Bool[Tensor, "batch joints 3"]
    """Per coordinate: a 2D annotation supervises x and y alone."""
    fit_joints: Float[Tensor, "batch joints 3"]
    """Joints of the fitted body."""
    fit_valid: Bool[Tensor, "batch joints 3"]
    vertices: Float[Tensor, "batch vertices 3"]
    vertices_valid: Bool[Tensor, "batch vertices"]


@dataclass(frozen=True)
class LixelSpace:
    """The volume that heat maps cover.

    Attributes:
        crop_size: side of the crop in pixels.
        bins: length of a heat map.
        depth_range: metres that the z axis covers, centred on the root joint (2 for bodies, 0.3 for hands).
    """

    crop_size: int
    bins: int
    depth_range: float = 2.0

    def encode(
        self,
        points: Float[Tensor, "batch points 3"],
        root_depth: Float[Tensor, " batch"],
        intrinsics: Float[Tensor, "batch 3 3"],
        affine: Float[Tensor, "batch 2 3"],
    ) -> Float[Tensor, "batch points 3"]:
        """Camera-frame points (metres) to lixels."""
        with full_precision(points):
            pixels = apply_affine(project(points, intrinsics), affine)
        depth = (points[..., 2] - root_depth[:, None]) / self.depth_range + 0.5
        return torch.cat([pixels * (self.bins / self.crop_size), depth.unsqueeze(-1) * self.bins], -1)

    def decode(
        self,
        lixels: Float[Tensor, "batch points 3"],
        root_depth: Float[Tensor, " batch"],
        intrinsics: Float[Tensor, "batch 3 3"],
        affine: Float[Tensor, "batch 2 3"],
    ) -> Float[Tensor, "batch points 3"]:
        """Lixels to camera-frame points in metres (Eq. 7): lixel -> crop -> image -> camera."""
        depth = (lixels[..., 2] / self.bins - 0.5) * self.depth_range + root_depth[:, None]
        with full_precision(lixels):
            pixels = apply_affine(lixels[..., :2] * (self.crop_size / self.bins), invert_affine(affine))
            return backproject(pixels, depth, intrinsics)

    def mirror(
        self, lixels: Float[Tensor, "batch points 3"], partner: Int[Tensor, " points"]
    ) -> Float[Tensor, "batch points 3"]:
        """The same person in the mirrored crop: points change sides, pixel u becomes crop_size - 1 - u.

        Args:
            lixels: in the crop, or in the mirrored one (this undoes itself).
            partner: left-right partner of every point.
        """
        swapped = lixels[:, partner]
        x = (self.crop_size - 1) * self.bins / self.crop_size - swapped[..., :1]
        return torch.cat([x, swapped[..., 1:]], -1)

    def inside(self, lixels: Float[Tensor, "batch points 3"]) -> Bool[Tensor, "batch points 3"]:
        """Per coordinate, whether it lies on the heat map (0 <= value < bins)."""
        return (lixels >= 0) & (lixels < self.bins)


def make_targets(
    batch: Batch, space: LixelSpace, joint_regressor: Float[Tensor, "joints vertices"], root: int
) -> LixelTargets:
    """Lixel targets of a batch, on its device.

    The dataset's joints have their own root; mesh and fitted joints are relative to the fitted body's.

    Args:
        batch: with joints in the network's skeleton.
        space: the heat-map volume.
        joint_regressor: gives the fitted body's joints.
        root: index of the root joint.
    """
    camera = (batch["intrinsics"], batch["crop_affine"])
    body_valid = batch["vertices_valid"][:, None]
    # missing labels are zeros: put them in front of the camera, so that nothing is divided by a depth of 0
    body = torch.where(body_valid[..., None], batch["vertices"], torch.ones_like(batch["vertices"]))
    with full_precision(body):
        body_joints = joint_regressor @ body
    body_root = body_joints[:, root, 2]
    vertices = space.encode(body, body_root, *camera)
    fit_joints = space.encode(body_joints, body_root, *camera)

    joints = batch["joints_2d"] * (space.bins / space.crop_size)
    depth = (batch["joints"][..., 2] - batch["root_depth"][:, None]) / space.depth_range + 0.5
    joints = torch.cat([joints, depth.unsqueeze(-1) * space.bins], -1)
    has_depth = batch["joints_valid"] & batch["root_depth_valid"][:, None]
    annotated = torch.stack([batch["joints_2d_valid"], batch["joints_2d_valid"], has_depth], -1)
    inside = space.inside(joints) | ~annotated  # a joint without depth is judged by x and y alone
    return LixelTargets(
        joints=joints,
        joints_valid=annotated & inside.all(-1, keepdim=True),
        fit_joints=fit_joints,
        fit_valid=(space.inside(fit_joints).all(-1) & body_valid)[..., None].expand_as(fit_joints),
        vertices=vertices,
        vertices_valid=space.inside(vertices).all(-1) & body_valid,
    )
