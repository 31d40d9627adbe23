"""The mean of a person's predictions at several times, part by part on the right manifold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import roma
import torch
from jaxtyping import Float
from torch import Tensor

from lightning_modules.prediction import Prediction, SmplParameters
from zoo.prediction.video.people import TrackedPerson

Mean = Callable[[Sequence[Tensor]], Tensor]
_NEGLIGIBLE = 1e-3
"""Samples of a smaller weight are left out."""


@dataclass(frozen=True)
class Sample:
    """A person at a time, seconds, with the mean length of the bones, metres, and SMPL's rotations if there are any."""

    time: float
    person: TrackedPerson
    size: float
    rotations: Float[Tensor, "joints 3 3"] | None


def make_sample(time: float, person: TrackedPerson) -> Sample:
    """The sample of a person."""
    prediction = person.prediction
    parents, children = (list(side) for side in zip(*prediction.skeleton.bones, strict=True))
    joints, smpl = prediction.joints[0], prediction.smpl
    size = float((joints[children] - joints[parents]).norm(dim=-1).mean())
    return Sample(time, person, size, None if smpl is None else roma.rotvec_to_rotmat(smpl.pose[0].float()))


def blend(
    samples: Sequence[Sample], weights: Float[np.ndarray, " n"], depth_weights: Float[np.ndarray, " n"], size: float
) -> Prediction:
    """The mean, for weights that sum to 1.

    Args:
        samples: of one person.
        weights: of everything but the root's depth.
        depth_weights: of the root's depth.
        size: mean length of bones that every sample is scaled to about the camera, metres.
    """
    row = samples[0].person.prediction
    kept = np.flatnonzero(np.abs(weights) > _NEGLIGIBLE).tolist()
    relative = weights[kept] / weights[kept].sum()
    few = [samples[index] for index in kept]
    place = _root(samples, weights, depth_weights, size)

    def mean(values: Sequence[Tensor]) -> Tensor:
        total = torch.zeros_like(values[0])
        for value, weight in zip(values, relative.tolist(), strict=True):
            total += weight * value
        return total

    def around_root(points: Sequence[Tensor]) -> Tensor:
        scaled = [(part - _root_of(one)) * (size / one.size) for part, one in zip(points, few, strict=True)]
        return mean(scaled) + place

    rows = [one.person.prediction for one in few]
    meshes = [part.vertices for part in rows if part.vertices is not None]
    return replace(
        row,
        joints=around_root([part.joints for part in rows]),
        joints_2d=mean([part.joints_2d for part in rows]),
        vertices=around_root(meshes) if meshes else None,
        smpl=None if row.smpl is None else _parameters(few, mean, place),
        intermediates={},
    )


def _parameters(samples: Sequence[Sample], mean: Mean, place: Tensor) -> SmplParameters:
    """Rotations by the chordal mean: of the matrices, then the nearest rotation."""
    given = [(one, one.person.prediction.smpl, one.rotations) for one in samples]
    parts = [smpl for _, smpl, _ in given if smpl is not None]
    matrices = mean([rotations for _, _, rotations in given if rotations is not None])
    pose = roma.rotmat_to_rotvec(roma.special_procrustes(matrices, method="svd"))[None]
    moves = [smpl.transl - _root_of(one) for one, smpl, _ in given if smpl is not None and smpl.transl is not None]
    return SmplParameters(
        pose.to(parts[0].pose.dtype), mean([smpl.betas for smpl in parts]), mean(moves) + place if moves else None
    )


def _root(samples: Sequence[Sample], weights: np.ndarray, depth_weights: np.ndarray, size: float) -> Tensor:
    """The root, metres: the mean of its rays (x / z, y / z), at the depth whose logarithm is the mean."""
    roots = torch.stack([_root_of(one) for one in samples])
    shares, depth_shares = (torch.as_tensor(part).to(roots) for part in (weights, depth_weights))
    depths = roots[:, 2].clamp(min=1e-3)
    scales = torch.tensor([size / one.size for one in samples]).to(roots)
    ray = (shares[:, None] * roots[:, :2] / depths[:, None]).sum(0)
    depth = torch.exp((depth_shares * (depths * scales).log()).sum())
    return torch.cat([ray * depth, depth[None]])


def _root_of(sample: Sample) -> Tensor:
    prediction = sample.person.prediction
    return prediction.joints[0, prediction.skeleton.root_index]
