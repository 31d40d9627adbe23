"""Mean error of joint rotations."""

from __future__ import annotations

from metrics.base import PointMean
from metrics.functional.quaternion import quaternion_error
from metrics.info import MetricInfo


class QuaternionError(PointMean):
    """Mean angle between predicted and true joint rotations (NBF's err_quat).

    Convention:
        Unit: axis-angle in, radians out, in [0, pi]. Alignment: none. Joint set: every valid joint given, each relative
        to its parent and the first one to the camera. Averaging: over joints, then over samples.
    """

    name = "quaternion_error"
    info = MetricInfo("rad", "rotation error", higher_is_better=False, decimals=3)
    field = "pose"
    per_point = staticmethod(quaternion_error)
