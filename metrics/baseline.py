"""The mean-pose baseline: what a predictor that never looks at the image scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import roma
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from body.skeleton import Skeleton


class MeanBody(NamedTuple):
    """Parameters of the body model: the chordal means of the joints' rotations, and the mean shape."""

    pose: Float64[Tensor, "*batch joints 3"]
    betas: Float64[Tensor, "*batch 10"]


@dataclass(frozen=True)
class MeanPrediction:
    """The same pose for every image of a batch; a `Predicted` for the tasks."""

    joints: Float[Tensor, "batch joints 3"]
    skeleton: Skeleton
    vertices: Float[Tensor, "batch vertices 3"] | None
    smpl: MeanBody | None
    joints_2d: None = None
    faces: None = None
    intermediates: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class MeanPose:
    """Root-relative mean joints and vertices of a training set, camera frame, metres, and its mean parameters.

    Of all constant predictions the mean has the least squared error, so a method that uses the image must beat it.

    Attributes:
        joints: relative to the skeleton's root.
        skeleton: joint set of `joints`.
        vertices: relative to the same root, or None when the training set has no meshes.
        smpl: or None when the training set has no parameters.
        samples: training samples that had a root.
    """

    joints: Float64[Tensor, "joints 3"]
    skeleton: Skeleton
    vertices: Float64[Tensor, "vertices 3"] | None
    smpl: MeanBody | None
    samples: int

    def predict(self, batch: Mapping[str, Any]) -> MeanPrediction:
        """The mean, once per image of the batch."""
        images = len(batch["index"])
        vertices = None if self.vertices is None else self.vertices.expand(images, -1, -1)
        smpl = None if self.smpl is None else MeanBody(*(part.expand(images, *part.shape) for part in self.smpl))
        return MeanPrediction(self.joints.expand(images, -1, -1), self.skeleton, vertices, smpl)


def fit_mean_pose(batches: Iterable[Mapping[str, Any]], skeleton: Skeleton) -> MeanPose:
    """Average the labels of a training set.

    Args:
        batches: `datamodules.batch.Batch`es with joints in `skeleton`; with vertices filled in if wanted. Pose and
            betas are averaged where there are any.
        skeleton: joint set of the batches.

    Raises:
        ValueError: no sample has a valid root, or a joint is nowhere labelled.
    """
    joints, vertices, rotations, betas = _Mean(), _Mean(), _Mean(), _Mean()
    samples = 0
    for batch in batches:
        points, valid = batch["joints"].cpu().double(), batch["joints_valid"].cpu()
        root, has_root = points[:, skeleton.root_index : skeleton.root_index + 1], valid[:, skeleton.root_index]
        samples += int(has_root.sum())
        joints.add(points - root, valid & has_root[:, None])
        if batch.get("vertices") is not None:
            mesh = batch["vertices"].cpu().double()
            with_mesh = batch["vertices_valid"].cpu() & has_root
            vertices.add(mesh - root, with_mesh[:, None].expand(mesh.shape[:2]))
        if batch.get("pose") is not None:
            fitted = batch["smpl_valid"].cpu()
            rotations.add(roma.rotvec_to_rotmat(batch["pose"].cpu().double()).flatten(1), fitted)
            betas.add(batch["betas"].cpu().double(), fitted)
    if samples == 0:
        raise ValueError("the mean pose needs samples with a valid root joint; the training set has none")
    unseen = [name for name, count in zip(skeleton.joints, joints.count.tolist(), strict=True) if count == 0]
    if unseen:
        raise ValueError(f"the mean pose needs every joint labelled somewhere; never seen: {', '.join(unseen)}")
    has_mesh = vertices.started and bool((vertices.count > 0).all())
    smpl = None
    if betas.started and int(betas.count) > 0:
        nearest = roma.special_procrustes(rotations.value().view(-1, 3, 3))
        smpl = MeanBody(roma.rotmat_to_rotvec(nearest), betas.value())
    return MeanPose(joints.value(), skeleton, vertices.value() if has_mesh else None, smpl, samples)


class _Mean:
    """Running mean over samples of masked points, or of masked rows of numbers."""

    started = False
    total: Tensor
    count: Tensor

    def add(self, points: Float64[Tensor, "batch *points numbers"], valid: Bool[Tensor, " batch *points"]) -> None:
        total, count = points.where(valid.unsqueeze(-1), 0.0).sum(0), valid.sum(0)
        self.total, self.count = (self.total + total, self.count + count) if self.started else (total, count)
        self.started = True

    def value(self) -> Float64[Tensor, "*points numbers"]:
        return self.total / torch.clamp(self.count, min=1).unsqueeze(-1)
