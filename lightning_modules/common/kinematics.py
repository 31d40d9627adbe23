"""Joints of a posed body, and rotations relative to a parent or not."""

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
    world, posed = [rotations[:, 0]], [rest[:, 0]]
    for joint, parent in enumerate(parents[1:], start=1):
        bone = (rest[:, joint] - rest[:, parent]).unsqueeze(-1)
        posed.append((world[parent] @ bone).squeeze(-1) + posed[parent])
        world.append(rotations[:, joint] if absolute else world[parent] @ rotations[:, joint])
    return torch.stack(posed, 1)


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
    world = [rotations[:, 0]]
    for joint, parent in enumerate(parents[1:], start=1):
        world.append(world[parent] @ rotations[:, joint])
    return torch.stack(world, 1)
