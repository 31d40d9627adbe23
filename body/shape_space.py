"""Shapes of one body in the shape space of another one with the same mesh."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from body.model import BodyModel


class ShapeConversion(NamedTuple):
    """The shape coefficients of a target body that come nearest to a source body, and where that one's root then is.

    Male, female and neutral SMPL share a mesh and a skeleton, but every coefficient means something else in each. The
    bodies at rest, their roots in the same place, are brought together by least squares over all vertices. What is left
    is what the target's ten coefficients cannot express.

    Attributes:
        origin: coefficients of the source's mean shape.
        matrix: what every coefficient of the source adds.
        root_origin, root_matrix: the same for the vector from the target's resting root to the source's, metres.
    """

    origin: Float[Tensor, "10"]
    matrix: Float[Tensor, "10 10"]
    root_origin: Float[Tensor, "3"]
    root_matrix: Float[Tensor, "10 3"]

    @staticmethod
    def between(source: BodyModel, target: BodyModel) -> ShapeConversion:
        """The conversion for two bodies.

        Raises:
            ValueError: they have different meshes.
        """
        if source.num_vertices != target.num_vertices:
            raise ValueError(f"bodies {source.name!r} and {target.name!r} have different meshes")
        mean, directions, root, root_directions = _about_root(source)
        mean_target, directions_target, root_target, root_directions_target = _about_root(target)
        inverse = torch.linalg.pinv(directions_target.flatten(1))
        origin, matrix = (mean - mean_target).flatten() @ inverse, directions.flatten(1) @ inverse
        root_origin = root - root_target - origin @ root_directions_target
        values = origin, matrix, root_origin, root_directions - matrix @ root_directions_target
        return ShapeConversion(*(value.float() for value in values))

    def __call__(
        self, betas: Float[Tensor, "rows 10"], transl: Float[Tensor, "rows 3"]
    ) -> tuple[Float[Tensor, "rows 10"], Float[Tensor, "rows 3"]]:
        """Shape and translation of the target body, whose root joint is where the source's is."""
        origin, matrix, root_origin, root_matrix = (value.to(betas) for value in self)
        return origin + betas @ matrix, transl + root_origin + betas @ root_matrix


def _about_root(body: BodyModel) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean mesh and shape directions relative to the resting root, and those of the root itself, in float64."""
    mean, directions = body.v_template.double().cpu(), body.shapedirs.double().cpu().permute(2, 0, 1)
    weights = body.regressor[0].double().cpu()
    root, root_directions = weights @ mean, torch.einsum("v,bvd->bd", weights, directions)
    return mean - root, directions - root_directions[:, None], root, root_directions
