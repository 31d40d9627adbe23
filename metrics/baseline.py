"""The mean-pose baseline: what a predictor that never looks at the image scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from body.skeleton import Skeleton


@dataclass(frozen=True)
class MeanPrediction:
    """The same pose for every image of a batch; it can be handed to `Evaluation.update`."""

    joints: Float[Tensor, "batch joints 3"]
    skeleton: Skeleton
    vertices: Float[Tensor, "batch vertices 3"] | None


@dataclass(frozen=True)
class MeanPose:
    """Root-relative mean joints and vertices of a training set, camera frame, metres.

    Of all constant predictions the mean has the least squared error, so a method that uses the image must beat it.

    Attributes:
        joints: relative to the skeleton's root.
        skeleton: joint set of `joints`.
        vertices: relative to the same root, or None when the training set has no meshes.
        samples: training samples that had a root.
    """

    joints: Float64[Tensor, "joints 3"]
    skeleton: Skeleton
    vertices: Float64[Tensor, "vertices 3"] | None
    samples: int

    def predict(self, batch: Mapping[str, Any]) -> MeanPrediction:
        """The mean, once per image of the batch."""
        images = len(batch["index"])
        vertices = None if self.vertices is None else self.vertices.expand(images, -1, -1)
        return MeanPrediction(self.joints.expand(images, -1, -1), self.skeleton, vertices)


def fit_mean_pose(batches: Iterable[Mapping[str, Any]], skeleton: Skeleton) -> MeanPose:
    """Average the labels of a training set.

    Args:
        batches: `datamodules.batch.Batch`es with joints in `skeleton`, and with vertices filled in if wanted.
        skeleton: joint set of the batches.

    Raises:
        ValueError: no sample has a valid root, or a joint is nowhere labelled.
    """
    joints, vertices = _Mean(), _Mean()
    samples = 0
    for batch in batches:
        points, known = batch["joints"].cpu().double(), batch["joints_valid"].cpu()
        root, has_root = points[:, skeleton.root_index : skeleton.root_index + 1], known[:, skeleton.root_index]
        samples += int(has_root.sum())
        joints.add(points - root, known & has_root[:, None])
        if batch.get("vertices") is not None:
            mesh = batch["vertices"].cpu().double()
            with_mesh = batch["vertices_valid"].cpu() & has_root
            vertices.add(mesh - root, with_mesh[:, None].expand(mesh.shape[:2]))
    if samples == 0:
        raise ValueError("the mean pose needs samples with a valid root joint; the training set has none")
    unseen = [name for name, count in zip(skeleton.joints, joints.count.tolist(), strict=True) if count == 0]
    if unseen:
        raise ValueError(f"the mean pose needs every joint labelled somewhere; never seen: {', '.join(unseen)}")
    has_mesh = vertices.seen and bool((vertices.count > 0).all())
    return MeanPose(joints.value(), skeleton, vertices.value() if has_mesh else None, samples)


class _Mean:
    """Running mean of masked points over samples."""

    seen = False
    total: Tensor
    count: Tensor

    def add(self, points: Float64[Tensor, "batch points 3"], valid: Tensor) -> None:
        total, count = points.where(valid.unsqueeze(-1), 0.0).sum(0), valid.sum(0)
        self.total, self.count = (self.total + total, self.count + count) if self.seen else (total, count)
        self.seen = True

    def value(self) -> Float64[Tensor, "points 3"]:
        return self.total / torch.clamp(self.count, min=1)[:, None]
