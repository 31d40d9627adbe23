"""People of a video: who is who, in every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import roma
import torch
from torch import Tensor

from lightning_modules.prediction import Prediction, SmplParameters
from zoo.prediction.inputs import Box


@dataclass(frozen=True)
class TrackedPerson:
    """A person in a frame.

    Attributes:
        track: number of the person, the same in all frames.
        prediction: one row.
        box: (x, y, width, height) in pixels.
        score: the detector's probability; 1 for a box that was given.
        interpolated: nobody was found here; it is between a frame before and a frame after.
    """

    track: int
    prediction: Prediction
    box: Box
    score: float
    interpolated: bool = False


def between(first: TrackedPerson, second: TrackedPerson, fraction: float) -> TrackedPerson:
    """The person at a fraction of the time from `first` to `second`; rotations turn along the shortest way."""

    def mix(a: Tensor | None, b: Tensor | None) -> Tensor | None:
        return None if a is None or b is None else torch.lerp(a, b, fraction)

    one, two = first.prediction, second.prediction
    smpl = None
    if one.smpl is not None and two.smpl is not None:
        steps = torch.tensor([fraction], dtype=one.smpl.pose.dtype, device=one.smpl.pose.device)
        smpl = SmplParameters(
            pose=roma.rotvec_slerp(one.smpl.pose, two.smpl.pose, steps)[0],
            betas=torch.lerp(one.smpl.betas, two.smpl.betas, fraction),
            transl=mix(one.smpl.transl, two.smpl.transl),
        )
    mixed = replace(
        one,
        joints=torch.lerp(one.joints, two.joints, fraction),
        joints_2d=torch.lerp(one.joints_2d, two.joints_2d, fraction),
        vertices=mix(one.vertices, two.vertices),
        smpl=smpl,
        intermediates={},
    )
    x, y, width, height = (a + fraction * (b - a) for a, b in zip(first.box, second.box, strict=True))
    return TrackedPerson(first.track, mixed, (x, y, width, height), min(first.score, second.score), interpolated=True)
