"""Angles between rotations."""

from __future__ import annotations

import roma
from jaxtyping import Float, Float64
from torch import Tensor

from metrics.functional.checks import check_points


def quaternion_error(
    prediction: Float[Tensor, "batch joints 3"], target: Float[Tensor, "batch joints 3"]
) -> Float64[Tensor, "batch joints"]:
    """Angle between predicted and true rotation of every joint, radians in [0, pi].

    Equal to arccos(2 <q, q'>^2 - 1) of the unit quaternions, without that formula's loss of half the digits near zero.

    Convention:
        Axis-angle in, as in an SMPL pose: each joint relative to its parent, the first one to the camera. NBF's
        err_quat (section 4) is its mean.
    """
    check_points(prediction, target)
    return roma.rotvec_geodesic_distance(prediction.double(), target.double())
