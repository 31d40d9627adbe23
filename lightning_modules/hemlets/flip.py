"""Answers to the mirrored crop, put back."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from body.skeleton import Skeleton
from lightning_modules.common.flip_test import mean_body, mirror_body
from lightning_modules.hemlets.network import HemletsOutput


def mirror_joints(
    joints: Float[Tensor, "batch joints 3"], skeleton: Skeleton, crop_size: int
) -> Float[Tensor, "batch joints 3"]:
    """Joints of the mirrored crop in the crop itself, or the other way round.

    Pixel u was at crop_size - 1 - u, and labels are u / crop_size - 0.5; the release mirrors in the same way.

    Args:
        joints: in [-0.5, 0.5].
        skeleton: joint set.
        crop_size: pixels.
    """
    swapped = joints[:, list(skeleton.mirror)]
    return torch.cat([-swapped[..., :1] - 1 / crop_size, swapped[..., 1:]], -1)


def merge_mirrored(here: HemletsOutput, there: HemletsOutput, skeleton: Skeleton, crop_size: int) -> HemletsOutput:
    """The mean of the answers to a crop and to its mirror image; the maps stay those of the crop."""
    joints = (here.joints + mirror_joints(there.joints, skeleton, crop_size)) / 2
    if here.body is None or there.body is None:
        return HemletsOutput(joints, here.maps, None)
    return HemletsOutput(joints, here.maps, mean_body(here.body, mirror_body(there.body)))
