"""Answers to the mirrored crop, put back."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from body.skeleton import Skeleton
from lightning_modules.common.flip_test import mean_body, mirror_body
from lightning_modules.hemlets.config import Merge
from lightning_modules.hemlets.network import HemletsOutput


def mirror_joints(
    joints: Float[Tensor, "batch joints 3"], skeleton: Skeleton, crop_size: int, merge: Merge
) -> Float[Tensor, "batch joints 3"]:
    """Joints of the mirrored crop in the crop itself, or the other way round.

    Args:
        joints: in [-0.5, 0.5].
        skeleton: joint set.
        crop_size: pixels.
        merge: `released` sends crop pixel u to crop_size - u - 1; `unbiased` sends it to crop_size - u, as the cells
            of a volume lie, whose first and last are the two edges.
    """
    swapped = joints[:, list(skeleton.mirror)]
    shift = 1 / crop_size if merge == "released" else 0.0
    return torch.cat([-swapped[..., :1] - shift, swapped[..., 1:]], -1)


def merge_mirrored(
    here: HemletsOutput, there: HemletsOutput, skeleton: Skeleton, crop_size: int, merge: Merge
) -> HemletsOutput:
    """The mean of the answers to a crop and to its mirror image; the maps stay those of the crop."""
    joints = (here.joints + mirror_joints(there.joints, skeleton, crop_size, merge)) / 2
    if here.body is None or there.body is None:
        return HemletsOutput(joints, here.maps, None)
    return HemletsOutput(joints, here.maps, mean_body(here.body, mirror_body(there.body)))
