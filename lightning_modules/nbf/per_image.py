"""Segmentation, fit and difficulty of every image (Figure 3)."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Float64, Int
from scipy.stats import spearmanr
from torch import Tensor

from body.atomic import atomic_file
from body.skeleton import SMPL24
from lightning_modules.nbf.body_layer import BodyLayer
from lightning_modules.nbf.targets import BodyTruth
from metrics.rows import IndexedMetric, as_float64

COLUMNS = ("sample", "part_f1", "joint_error_mm", "from_upright_mm")
_ARM_ANGLE = math.radians(80)


class PerImage(IndexedMetric):
    """Keeps one row per image.

    Convention:
        `part_f1`: mean F1 of the parts that are labelled or predicted in the image, without the background, in [0, 1].
        `joint_error_mm`: mean distance of SMPL's 24 joints, bodies without translation. `from_upright_mm`: mean
        distance of the true joints from those of a mean body that stands upright with its arms by its sides, both
        facing the same way, pelvis on pelvis.

    Args:
        layer: the network's body.
    """

    def __init__(self, layer: BodyLayer) -> None:
        super().__init__(columns=3)
        self.upright: Tensor
        self.register_buffer("upright", upright_joints(layer), persistent=False)

    def update(
        self,
        layer: BodyLayer,
        parts: tuple[Int[Tensor, "batch size size"], Int[Tensor, "batch size size"]],
        joints: Float[Tensor, "batch 24 3"],
        truth: BodyTruth,
        labelled: Bool[Tensor, " batch"],
        index: Int[Tensor, " batch"],
    ) -> None:
        """Add the images of a batch that have part labels and a body.

        Args:
            layer: the network's body.
            parts: predicted and true labels of the pixels.
            joints: of the estimated body, without translation, in the frame of `truth`.
            truth: labels of the bodies.
            labelled: images with part labels.
            index: position of each image in the split.
        """
        error = (joints - truth.joints).norm(dim=-1).mean(1)
        relative = layer.relative(truth.rotations)
        facing = torch.cat([torch.eye(3).to(relative).expand(len(relative), 1, 3, 3), relative[:, 1:]], 1)
        posed = layer.joints(layer.from_relative(facing), truth.betas)
        apart = (posed - posed[:, :1] - self.upright).norm(dim=-1).mean(1)
        rows = torch.stack([image_f1(*parts), 1000 * error, 1000 * apart], 1)
        kept = labelled & truth.valid
        self.add(index[kept], as_float64(rows[kept]))

    def compute(self) -> Float64[Tensor, "images columns"]:
        """A row per image, in the order of the split: its position, and the numbers."""
        index, rows = self.samples()
        return torch.cat([index[:, None].double(), rows], 1)


def rank_correlation(table: Float64[Tensor, "images columns"]) -> dict[str, float]:
    """Of segmentation and error over the images: -1 where better parts always mean a better fit; none of one image."""
    if len(table) < 2:
        return {}
    return {"f1_error_correlation": float(spearmanr(table[:, 1].cpu().numpy(), table[:, 2].cpu().numpy()).statistic)}


def write_table(table: Float64[Tensor, "images columns"], path: Path) -> None:
    """A CSV file with a row per image."""
    with atomic_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows([int(sample), *(f"{value:.6g}" for value in row)] for sample, *row in table.tolist())


def image_f1(
    predicted: Int[Tensor, "batch size size"], true: Int[Tensor, "batch size size"]
) -> Float[Tensor, " batch"]:
    """Mean F1 over the parts in one image or its labels, the background left out; 1 where there are none in either."""
    labels = 1 + int(max(predicted.amax(), true.amax()))
    is_predicted = torch.nn.functional.one_hot(predicted.long(), labels).flatten(1, 2)[..., 1:].bool()
    is_true = torch.nn.functional.one_hot(true.long(), labels).flatten(1, 2)[..., 1:].bool()
    common, either = (is_predicted & is_true).sum(1), is_predicted.sum(1) + is_true.sum(1)
    score, there = 2 * common / either.clamp(min=1), either > 0
    return torch.where(there.any(1), (score * there).sum(1) / there.sum(1).clamp(min=1), 1.0)


def upright_joints(layer: BodyLayer) -> Float[Tensor, "24 3"]:
    """Of a mean body with its arms by its sides, in SMPL's frame (y up), from the pelvis."""
    rotations = torch.eye(3).repeat(1, 24, 1, 1)
    for name, sign in (("left_shoulder", -1), ("right_shoulder", 1)):
        cos, sin = math.cos(_ARM_ANGLE), sign * math.sin(_ARM_ANGLE)
        rotations[0, SMPL24.index(name)] = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    joints = layer.joints(layer.from_relative(rotations), torch.zeros(1, 10))[0]
    return joints - joints[0]
