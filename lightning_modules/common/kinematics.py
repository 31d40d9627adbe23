"""Joints of a posed body, and rotations relative to a parent or not; all joints of a depth of the tree at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def pose_joints(
    rotations: Float[Tensor, "batch joints 3 3"],
    rest: Float[Tensor, "batch joints 3"],
    parents: Sequence[int],
    absolute: bool,
) -> Float[Tensor, "batch joints 3"]:
    """Joints of a posed body: child = parent + R (child - parent at rest), R the parent's rotation in the world.

    Convention:
        Joint 0 stays where it rests: bodies turn about it. Absolute rotations map a part's coordinates to the world's,
        relative ones to its parent's. Example: with all absolute rotations equal the body turns as one piece.
    """
    world = rotations if absolute else to_absolute(rotations, parents)
    above = list(parents[1:])
    bones = world[:, above] @ (rest[:, 1:] - rest[:, above]).unsqueeze(-1)
    chain = torch.tensor(_chains(tuple(parents)), dtype=bones.dtype, device=bones.device)
    return rest[:, :1] + chain @ bones.squeeze(-1)


def to_relative(
    rotations: Float[Tensor, "batch joints 3 3"], parents: Sequence[int]
) -> Float[Tensor, "batch joints 3 3"]:
    """Absolute rotations as rotations relative to the parent."""
    turned = rotations[:, list(parents[1:])].mT @ rotations[:, 1:]
    return torch.cat([rotations[:, :1], turned], 1)


def to_absolute(
    rotations: Float[Tensor, "batch joints 3 3"], parents: Sequence[int]
) -> Float[Tensor, "batch joints 3 3"]:
    """Relative rotations as products along the tree."""
    world, order = rotations[:, :1], [0]
    for level in levels(tuple(parents))[1:]:
        above = world[:, [order.index(parents[joint]) for joint in level]]
        world, order = torch.cat([world, above @ rotations[:, list(level)]], 1), [*order, *level]
    return world[:, [order.index(joint) for joint in range(len(parents))]]


def levels(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Joints by their depth in the tree, joint 0 alone first."""
    depth = [0]
    for parent in parents[1:]:
        depth.append(depth[parent] + 1)
    return tuple(tuple(joint for joint, at in enumerate(depth) if at == level) for level in range(max(depth) + 1))


def _chains(parents: tuple[int, ...]) -> list[list[float]]:
    """Row j: which of the bones to joints 1, 2, ... lie between joints 0 and j."""
    rows = [[0.0] * (len(parents) - 1)]
    for joint, parent in enumerate(parents[1:], start=1):
        rows.append([1.0 if bone == joint else through for bone, through in enumerate(rows[parent], start=1)])
    return rows
