"""Mean error of joint rotations."""

from __future__ import annotations

from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.base import SampleMean
from metrics.functional.distance import masked_mean
from metrics.functional.quaternion import quaternion_error


class QuaternionError(SampleMean):
    """Mean angle between predicted and true joint rotations (NBF's err_quat).

    Convention:
        Unit: axis-angle in, radians out, in [0, pi]. Alignment: none. Joint set: every valid joint given, each relative
        to its parent and the first one to the camera. Averaging: over joints, then over samples.
    """

    unit = "rad"
    field = "pose"

    def errors(
        self,
        prediction: Float[Tensor, "batch joints 3"],
        target: Float[Tensor, "batch joints 3"],
        valid: Bool[Tensor, "batch joints"] | None,
    ) -> Float64[Tensor, "batch"]:
        """Mean angle in each sample."""
        return masked_mean(quaternion_error(prediction, target), valid)
