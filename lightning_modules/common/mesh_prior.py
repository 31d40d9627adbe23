"""A mesh whose limbs are put where a backbone's joints are, without a body model."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.skeleton import OPEN36, SMPL29
from lightning_modules.common.joint_prior import KnownJoints
from lightning_modules.common.precision import full_precision

_ANCHORS = (
    "nose",
    *(
        f"{side}_{joint}"
        for side in ("left", "right")
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ),
)
_REACH = 0.05
"""Metres over which an anchor's weight falls by a factor e, in the resting body."""


class MeshPrior(nn.Module):
    """Moves vertices so that the mesh's joints are at the backbone's x and y, most where such a joint is near.

    The weights are `B (A B)^-1`, A the anchors' regressor and B a softmax of how near every anchor is at rest: moved by
    them, the mesh has exactly the wanted anchors. Depths stay.

    Args:
        rest: resting vertices, metres.
        regressor: joints of `SMPL29`.
    """

    anchors: Tensor
    weights: Tensor

    def __init__(self, rest: Float[Tensor, "vertices 3"], regressor: Float[Tensor, "29 vertices"]) -> None:
        super().__init__()
        self.order = [OPEN36.index(joint) for joint in _ANCHORS]
        anchors = regressor[[SMPL29.index(joint) for joint in _ANCHORS]].double()
        near = torch.softmax(-torch.cdist(rest.double(), anchors @ rest.double()) / _REACH, 1)
        self.register_buffer("anchors", anchors.float(), persistent=False)
        self.register_buffer("weights", torch.linalg.solve(anchors @ near, near, left=False).float(), persistent=False)

    def forward(
        self, vertices: Float[Tensor, "batch vertices 3"], known: KnownJoints, bins_per_cell: float = 1.0
    ) -> Float[Tensor, "batch vertices 3"]:
        """Moved vertices.

        Args:
            vertices: x and y in bins.
            known: joints of the crop.
            bins_per_cell: bins in a cell of the backbone's map.
        """
        with full_precision(vertices):
            missing = known.cells[:, self.order] * bins_per_cell - self.anchors @ vertices[..., :2]
            return torch.cat([vertices[..., :2] + self.weights @ missing, vertices[..., 2:]], -1)
