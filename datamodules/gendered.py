"""Bodies of a batch, made on its device: the meshes that its parameters mean, whatever gender they were fitted with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from body.model import BodyModel
from body.shape_space import ShapeConversion
from datamodules.batch import Batch
from datamodules.sample import GENDERS

BodyOf = Callable[[str], BodyModel]
"""The body of a gender."""


def pose_bodies(batch: Batch, body_of: BodyOf) -> Float[Tensor, "batch vertices 3"]:
    """Meshes, metres, each of the body that its parameters were fitted to."""
    pose, betas, transl = batch["pose"], batch["betas"], batch["transl"]
    vertices = torch.zeros(len(pose), body_of("neutral").num_vertices, 3, device=pose.device)
    for gender, rows in _by_gender(batch):
        model = body_of(gender).to(pose.device)
        vertices[rows] = model(pose[rows] + model.mean_pose, betas[rows], transl[rows]).vertices
    return vertices


class NeutralShapes:
    """Puts shapes of male and female bodies into the neutral body's space, which is the one that methods learn.

    Args:
        body_of: the bodies.
    """

    def __init__(self, body_of: BodyOf) -> None:
        self._body_of, self._conversions = body_of, dict[str, ShapeConversion]()

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """`betas` and `transl` of the neutral body that comes nearest, its root joint where the gendered one has it."""
        betas, transl = batch["betas"].clone(), batch["transl"].clone()
        for gender, rows in _by_gender(batch):
            if gender != "neutral":
                betas[rows], transl[rows] = self._conversion(gender)(betas[rows], transl[rows])
        fitted = batch["smpl_valid"][:, None]
        return {"betas": betas * fitted, "transl": transl * fitted}

    def _conversion(self, gender: str) -> ShapeConversion:
        if gender not in self._conversions:
            self._conversions[gender] = ShapeConversion.between(self._body_of(gender), self._body_of("neutral"))
        return self._conversions[gender]


def _by_gender(batch: Batch) -> Iterator[tuple[str, Bool[Tensor, " batch"]]]:
    """The genders of a batch and their rows."""
    for gender in GENDERS:
        if gender in batch["gender"]:
            yield gender, torch.tensor([other == gender for other in batch["gender"]], device=batch["pose"].device)
