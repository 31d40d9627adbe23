"""Bodies estimated from a crop and from its mirror image, merged: what `flip_test` means for body parameters."""

from __future__ import annotations

import torch

from body.skeleton import SMPL24
from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.common.precision import full_precision
from lightning_modules.common.rotations import matrix_from_9d


def mirror_body(body: BodyRotations) -> BodyRotations:
    """The mirrored body: sides swapped, rotations seen in a mirror across x."""
    sign = torch.tensor([-1.0, 1.0, 1.0], dtype=body.rotations.dtype, device=body.rotations.device)
    return BodyRotations(body.rotations[:, list(SMPL24.mirror)] * sign[:, None] * sign, body.betas)


def mean_body(one: BodyRotations, other: BodyRotations) -> BodyRotations:
    """The body between two: the mean shape, and each joint's rotation nearest to both (chordal mean)."""
    with full_precision(one.rotations):
        rotations = matrix_from_9d((one.rotations + other.rotations).flatten(2))
    return BodyRotations(rotations, (one.betas + other.betas) / 2)
