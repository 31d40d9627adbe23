"""`flip_test`: one pass over crops and their mirror images, and bodies estimated from both, merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._pytree import tree_map_only

from body.skeleton import SMPL24
from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.common.precision import full_precision
from lightning_modules.common.rotations import matrix_from_9d

Output = TypeVar("Output")


def with_mirrored(
    network: Callable[[Tensor], Output], image: Float[Tensor, "batch 3 size size"]
) -> tuple[Output, Output]:
    """A network's outputs for crops and for their mirror images, from one batch of twice the size.

    Args:
        network: whose outputs are tensors with the batch first, or tuples of such.
        image: crops.
    """
    people = image.shape[0]
    both = network(torch.cat([image, image.flip(-1)]))
    return tree_map_only(Tensor, lambda x: x[:people], both), tree_map_only(Tensor, lambda x: x[people:], both)


def mirror_body(body: BodyRotations) -> BodyRotations:
    """The mirrored body: sides swapped, rotations seen in a mirror across x."""
    sign = torch.tensor([-1.0, 1.0, 1.0], dtype=body.rotations.dtype, device=body.rotations.device)
    return BodyRotations(body.rotations[:, list(SMPL24.mirror)] * sign[:, None] * sign, body.betas)


def mean_body(one: BodyRotations, other: BodyRotations) -> BodyRotations:
    """The body between two: the mean shape, and each joint's rotation nearest to both (chordal mean)."""
    with full_precision(one.rotations):
        rotations = matrix_from_9d((one.rotations + other.rotations).flatten(2))
    return BodyRotations(rotations, (one.betas + other.betas) / 2)
