"""Percentage of correct keypoints in the image."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.functional.pose2d import PCKH_THRESHOLD, pckh_hits
from metrics.info import percent
from metrics.protocol import Protocol
from metrics.threshold import HitRate


class PCKh(HitRate):
    """Percentage of joints within half a head's length of the truth.

    Convention:
        Unit: pixels in (any, the same on both sides), percent out. Alignment: none. Joint set: every valid joint given,
        head top and neck among them. Inequality: not strict (error <= threshold * head). The head's length is the true
        distance from head top to neck; a sample without it is left out. Joints of all samples are pooled. A NaN error
        is a miss.
    """

    name, info = "pckh", percent("PCKh")
    field = "joints_2d"

    def __init__(self, top: int, neck: int, threshold: float = PCKH_THRESHOLD) -> None:
        super().__init__(columns=2)
        self.top, self.neck, self.threshold = top, neck, threshold

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> PCKh:
        """With the protocol's `head`."""
        top, neck = (protocol.joints.index(joint) for joint in protocol.head)
        return cls(top, neck)

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 2"],
        target: Float[Tensor, "batch joints 2"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """Correct joints, and the number of joints."""
        return torch.stack(pckh_hits(prediction, target, valid, self.top, self.neck, self.threshold), -1)
