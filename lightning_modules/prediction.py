"""The typed result that every method returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from body.skeleton import Skeleton


@dataclass(frozen=True)
class SmplParameters:
    """Parameters of a body in SMPL's structure: axis-angle pose with the camera-frame orientation first, and shape.

    24 joints for SMPL, 16 for MANO, whose mean pose is not in them.
    """

    pose: Float[Tensor, "batch joints 3"]
    betas: Float[Tensor, "batch 10"]
    transl: Float[Tensor, "batch 3"] | None = None


@dataclass(frozen=True)
class Prediction:
    """What a method says about a batch of crops.

    Attributes:
        joints: camera frame, metres, absolute (they include the root depth).
        skeleton: joint set of `joints`.
        joints_2d: projections of the joints, full-image pixels.
        root_depth_source: where the absolute depth came from: `given` (the batch's `root_depth`, a label, where it has
            one), `rootnet`, `box`, `camera` (the method's own scale) or `bones` (their average lengths).
        vertices: camera frame, metres, absolute; None for methods without a mesh.
        faces: triangles of `vertices`.
        smpl: body-model parameters, for methods that estimate them.
        intermediates: the method's own outputs by name (heat-map coordinates, part maps, ...).
    """

    joints: Float[Tensor, "batch joints 3"]
    skeleton: Skeleton
    joints_2d: Float[Tensor, "batch joints 2"]
    root_depth_source: str
    vertices: Float[Tensor, "batch vertices 3"] | None = None
    faces: Int[np.ndarray, "faces 3"] | None = None
    smpl: SmplParameters | None = None
    intermediates: dict[str, Tensor] = field(default_factory=dict)
