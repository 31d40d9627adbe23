"""Errors of joints in the image, in lengths of the person: head, torso, box."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from metrics.base import SumMetric
from metrics.functional.pose2d import (
    BOX_THRESHOLD,
    PCKH_THRESHOLD,
    TORSO_THRESHOLD,
    box_side,
    hits_within,
    pckh_hits,
    torso_length,
)
from metrics.info import MetricInfo, percent
from metrics.protocol import Protocol
from metrics.threshold import HitRate


def _all_valid(target: Tensor, valid: Tensor | None) -> Bool[Tensor, "batch joints"]:
    return torch.ones(target.shape[:2], dtype=torch.bool, device=target.device) if valid is None else valid


def _counted(
    prediction: Tensor, target: Tensor, valid: Tensor | None, counted: int | None
) -> tuple[Float64[Tensor, "batch joints 2"], Float64[Tensor, "batch joints 2"], Bool[Tensor, "batch joints"]]:
    """The first `counted` joints of both sides, and which of them are valid."""
    some = slice(counted)
    return prediction.double()[:, some], target.double()[:, some], _all_valid(target, valid)[:, some]


class PCKh(HitRate):
    """Percentage of joints within half a head's length of the truth.

    Convention:
        Unit: pixels in (any, the same on both sides), percent out. Alignment: none. Joint set: every valid joint of the
        first `counted` (all when omitted); head top and neck may lie behind them. Inequality: not strict (error <=
        threshold * head). The head's length is the true distance from head top to neck; a sample without it is left
        out. Joints of all samples are pooled.
    """

    name, info = "pckh", percent("PCKh")
    field, dims = "joints_2d", 2

    def __init__(self, top: int, neck: int, threshold: float = PCKH_THRESHOLD, counted: int | None = None) -> None:
        super().__init__(columns=2)
        self.top, self.neck, self.threshold, self.counted = top, neck, threshold, counted

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> PCKh:
        """With the protocol's `head`."""
        top, neck = (protocol.pixel_joints.index(joint) for joint in protocol.head)
        return cls(top, neck, counted=len(protocol.joints))

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 2"],
        target: Float[Tensor, "batch joints 2"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """Correct joints, and the number of joints."""
        hits = pckh_hits(prediction, target, valid, self.top, self.neck, self.threshold, self.counted)
        return torch.stack(hits, -1)


class PCK(HitRate):
    """Percentage of joints within a fifth of the torso's length of the truth.

    Convention:
        Unit: pixels in, percent out. Alignment: none. Joint set: every valid joint of the first `counted`. Inequality:
        not strict. The torso's length is the true distance between the midpoints of shoulders and hips; a sample whose
        four joints are not all annotated is left out. Joints of all samples are pooled.
    """

    name, info = "pck", percent("PCK@0.2")
    field, dims = "joints_2d", 2

    def __init__(
        self,
        shoulders: tuple[int, int],
        hips: tuple[int, int],
        threshold: float = TORSO_THRESHOLD,
        counted: int | None = None,
    ) -> None:
        super().__init__(columns=2)
        self.shoulders, self.hips, self.threshold, self.counted = shoulders, hips, threshold, counted

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> PCK:
        """With the protocol's shoulders and hips."""
        left_shoulder, right_shoulder, left_hip, right_hip = (protocol.joints.index(name) for name in protocol.torso)
        return cls((left_shoulder, right_shoulder), (left_hip, right_hip), counted=len(protocol.joints))

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 2"],
        target: Float[Tensor, "batch joints 2"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """Correct joints, and the number of joints."""
        measured = _all_valid(target, valid)[:, [*self.shoulders, *self.hips]].all(1)
        limit = self.threshold * torso_length(target.double(), self.shoulders, self.hips)
        prediction, target, valid = _counted(prediction, target, valid, self.counted)
        hits = hits_within(prediction, target, valid & measured[:, None], limit)
        return torch.stack(hits, -1)


class WithinBox(HitRate):
    """Percentage of joints within a tenth of the person's box of the truth.

    Convention:
        Unit: pixels in, percent out. Alignment: none. Joint set: every valid joint of the first `counted`. Inequality:
        not strict. The box is the tight one around the valid true joints of the first `counted`, its longer side is the
        measure. Joints of all samples are pooled.
    """

    name, info = "within_box", percent("10 % of box")
    field, dims = "joints_2d", 2

    def __init__(self, threshold: float = BOX_THRESHOLD, counted: int | None = None) -> None:
        super().__init__(columns=2)
        self.threshold, self.counted = threshold, counted

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> WithinBox:
        """Over the protocol's scored joints."""
        return cls(counted=len(protocol.joints))

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 2"],
        target: Float[Tensor, "batch joints 2"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """Correct joints, and the number of joints."""
        prediction, target, valid = _counted(prediction, target, valid, self.counted)
        return torch.stack(hits_within(prediction, target, valid, self.threshold * box_side(target, valid)), -1)


class BoxError(SumMetric):
    """Mean error of a person's joints, in percent of the longer side of the person's box; then the mean over people.

    Convention:
        As `WithinBox`; a sample whose box has no extent is left out.
    """

    name, info = "box_error", MetricInfo("%", "error of box", higher_is_better=False, decimals=1)
    field, dims = "joints_2d", 2

    def __init__(self, counted: int | None = None) -> None:
        super().__init__(columns=2)
        self.counted = counted

    @classmethod
    def for_protocol(cls, protocol: Protocol) -> BoxError:
        """Over the protocol's scored joints."""
        return cls(len(protocol.joints))

    def terms(
        self,
        prediction: Float[Tensor, "batch joints 2"],
        target: Float[Tensor, "batch joints 2"],
        valid: Bool[Tensor, "batch joints"] | None = None,
    ) -> Float64[Tensor, "batch 2"]:
        """(Error, 1) of samples that count, (0, 0) of the others."""
        prediction, target, valid = _counted(prediction, target, valid, self.counted)
        side, count = box_side(target, valid), valid.sum(1)
        errors = torch.linalg.vector_norm(prediction - target, dim=-1).masked_fill(~valid, 0.0).sum(1)
        counted = (side > 0) & (count > 0)
        return torch.stack([(100 * errors / (count * side)).where(counted, 0.0), counted.double()], -1)

    def value(self, totals: Float64[Tensor, "*groups 2"]) -> Float64[Tensor, "*groups"]:
        """Mean over samples."""
        return totals[..., 0] / totals[..., 1]
