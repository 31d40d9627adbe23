"""What the tasks read from a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from body.skeleton import Skeleton, convert


@runtime_checkable
class BodyParameters(Protocol):
    """Parameters of a body in SMPL's structure."""

    @property
    def pose(self) -> Float[Tensor, "batch parts 3"]:
        """Axis-angle; the first one is the orientation in the camera frame."""

    @property
    def betas(self) -> Float[Tensor, "batch 10"]:
        """Shape coefficients."""


@runtime_checkable
class Predicted(Protocol):
    """A prediction, as `lightning_modules.prediction.Prediction` is one; camera frame, metres, absolute."""

    @property
    def joints(self) -> Float[Tensor, "batch joints 3"]:
        """In `skeleton`."""

    @property
    def skeleton(self) -> Skeleton:
        """Joint set of `joints`."""

    @property
    def joints_2d(self) -> Float[Tensor, "batch joints 2"] | None:
        """Projections of the joints, full-image pixels."""

    @property
    def vertices(self) -> Float[Tensor, "batch vertices 3"] | None:
        """Mesh, for methods that have one."""

    @property
    def faces(self) -> Int[np.ndarray, "faces 3"] | None:
        """Triangles of `vertices`."""

    @property
    def smpl(self) -> BodyParameters | None:
        """Parameters, for methods that estimate them."""

    @property
    def intermediates(self) -> Mapping[str, Tensor]:
        """A method's own outputs: `parts` and `iuv` are evaluated where they are there."""


def all_in_skeleton(points: Float[Tensor, "batch joints dims"], source: Skeleton, wanted: Skeleton) -> Tensor:
    """Predicted points in the order of a skeleton all of whose joints are needed.

    Raises:
        ValueError: the source does not have one of them.
    """
    missing = [joint for joint in wanted.joints if joint not in source.joints]
    if missing:
        raise ValueError(f"{wanted.name} needs {', '.join(missing)}, which {source.name} does not have")
    return convert(points, points.new_ones(points.shape[:-1]).bool(), source, wanted)[0]
