"""Training targets: bone and joint heat maps, the depth cube, and ordinal depth labels (Eqs. 1 to 5).

Convention:
    Cells. A crop of S pixels has maps of S / 4 cells; crop pixel p lies at p / 4, without an offset of half a cell, and
    z = (depth behind the root / depth_range + 0.5) * bins. So far joints have large z; the paper counts the other way
    round. Example: 256 pixels, 64 bins, 2 m: pixel (128, 64), half a metre behind the root -> (32, 16, 48).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lightning_modules.cascaded_lifting.config import BoneDistance
from lightning_modules.common.heatmaps import gaussian_profile
from lightning_modules.common.volumes import JointTargets

_SHOWN = 0.5  # a pixel belongs to a joint where its heat map is higher


@dataclass(frozen=True)
class MapSettings:
    """How the maps are drawn.

    Attributes:
        cells: side of a map.
        bins: depth of the cube, C in the paper.
        sigma: of the joints' Gaussians, in cells.
        distance: see `CascadeLossConfig.bone_distance`.
    """

    cells: int
    bins: int
    sigma: float = 2.0
    distance: BoneDistance = "squared"


class CascadeTargets(NamedTuple):
    """What every step of the cascade should answer, and where that is known."""

    joints: Float[Tensor, "batch joints 3"]
    """Cells and bins."""
    joints_valid: Bool[Tensor, "batch joints 3"]
    bone_maps: Float[Tensor, "batch bones height width"]
    bones_valid: Bool[Tensor, "batch bones"]
    joint_maps: Float[Tensor, "batch joints height width"]
    cube: Float[Tensor, "batch bins height width"]
    cube_valid: Bool[Tensor, " batch"]
    levels: Int[Tensor, "batch height width"]
    """Depth bin of the joint that a pixel belongs to, -1 where none or an unknown one is."""


def make_targets(
    normalised: JointTargets, bones: Sequence[tuple[int, int]], settings: MapSettings, bone_sigma: float
) -> CascadeTargets:
    """All targets of a batch.

    Args:
        normalised: joints in [-0.5, 0.5] of crop and depth range, those outside masked.
        bones: (parent, child) positions.
        settings: how maps are drawn.
        bone_sigma: of the bones' profile in cells; it shrinks during training.
    """
    extent = torch.tensor([settings.cells, settings.cells, settings.bins], device=normalised.joints.device)
    joints, valid = (normalised.joints + 0.5) * extent, normalised.valid
    seen, deep = valid[..., 0], valid[..., 2]
    joint_maps = draw_joints(joints[..., :2], settings.cells, settings.sigma) * seen[..., None, None]
    level = depth_bins(joints[..., 2], settings.bins)
    parents, children = [parent for parent, _ in bones], [child for _, child in bones]
    ends = joints[:, parents, :2], joints[:, children, :2]
    return CascadeTargets(
        joints=joints,
        joints_valid=valid,
        bone_maps=draw_bones(*ends, settings.cells, bone_sigma, settings.distance),
        bones_valid=seen[:, parents] & seen[:, children],
        joint_maps=joint_maps,
        cube=draw_cube(joint_maps * deep[..., None, None], level, settings.bins),
        # a joint that is seen but has no depth would be missing in the cube
        cube_valid=deep.any(1) & (deep | ~seen).all(1),
        levels=pixel_levels(joint_maps, level.where(deep, -1)),
    )


def depth_bins(depth: Float[Tensor, "*batch"], bins: int) -> Int[Tensor, "*batch"]:
    """Channel of the cube: the whole number below, within the cube."""
    return depth.floor().long().clamp(0, bins - 1)


def draw_joints(
    place: Float[Tensor, "batch joints 2"], cells: int, sigma: float
) -> Float[Tensor, "batch joints cells cells"]:
    """Gaussians of height 1 around joints, which are not rounded to cells."""
    profile = gaussian_profile(place, cells, sigma)
    return profile[..., 1, :, None] * profile[..., 0, None, :]


def draw_bones(
    start: Float[Tensor, "batch bones 2"],
    end: Float[Tensor, "batch bones 2"],
    cells: int,
    sigma: float,
    distance: BoneDistance = "squared",
) -> Float[Tensor, "batch bones cells cells"]:
    """Eq. 1: exp(-D / (2 sigma^2)), D the distance of a cell to the bone between its two joints, squared by default.

    The paper says "line"; beyond a joint the distance to the joint counts here, so that a bone ends where it ends.
    """
    grid = torch.arange(cells, dtype=start.dtype, device=start.device)
    along = (end - start)[..., None, None]
    across_x, across_y = along[..., 0, :, :], along[..., 1, :, :]
    from_x = grid - start[..., 0, None, None]
    from_y = grid[:, None] - start[..., 1, None, None]
    length = (across_x.square() + across_y.square()).clamp(min=1e-6)
    share = ((from_x * across_x + from_y * across_y) / length).clamp(0, 1)
    square = (from_x - share * across_x).square() + (from_y - share * across_y).square()
    height = torch.exp((square if distance == "squared" else square.sqrt()) * (-0.5 / sigma**2))
    return torch.where(height < 1e-8, 0.0, height)  # subnormal numbers are slow on a CPU


def draw_cube(
    maps: Float[Tensor, "batch joints height width"], level: Int[Tensor, "batch joints"], bins: int
) -> Float[Tensor, "batch bins height width"]:
    """Every joint's heat map in the channel of its depth; where joints share one, the larger value counts."""
    empty = maps.new_zeros(len(maps), bins, *maps.shape[2:])
    return empty.scatter_reduce(1, level[..., None, None].expand_as(maps), maps, "amax")


def pixel_levels(
    maps: Float[Tensor, "batch joints height width"], level: Int[Tensor, "batch joints"]
) -> Int[Tensor, "batch height width"]:
    """Depth bin of every pixel near a joint: that of the joint whose heat map is highest, of several the nearest one.

    Args:
        maps: of the joints; zeros for unknown ones.
        level: their depth bins, -1 for unknown depths.
    """
    height = maps.amax(1)
    nearest = torch.where(maps == height[:, None], level[..., None, None], level.max() + 1).amin(1)
    return torch.where(height > _SHOWN, nearest, -1)
