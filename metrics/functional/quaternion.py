"""Angles between rotations."""

from __future__ import annotations

import roma
import torch
from jaxtyping import Float, Float64
from torch import Tensor


def quaternion_angles(
    prediction: Float[Tensor, "*batch 4"], target: Float[Tensor, "*batch 4"]
) -> Float64[Tensor, "*batch"]:
    """Angle of the rotation that takes one orientation to the other, radians in [0, pi].

    Equal to arccos(2 <q, q'>^2 - 1), without that formula's loss of half the digits near zero.

    Convention:
        Unit quaternions, any component order that both sides share; q and -q are one rotation.
    """
    first, second = prediction.double(), target.double()
    apart = torch.linalg.vector_norm(first - second, dim=-1)
    beside = torch.linalg.vector_norm(first + second, dim=-1)
    return 4 * torch.atan2(torch.minimum(apart, beside), torch.maximum(apart, beside))


def quaternion_error(
    prediction: Float[Tensor, "batch joints 3"], target: Float[Tensor, "batch joints 3"]
) -> Float64[Tensor, "batch joints"]:
    """Angle between predicted and true rotation of every joint, radians.

    Convention:
        Axis-angle in, as in an SMPL pose: each joint relative to its parent, the first one to the camera. NBF's
        err_quat (section 4) is its mean.
    """
    return quaternion_angles(roma.rotvec_to_unitquat(prediction.double()), roma.rotvec_to_unitquat(target.double()))
