"""A mesh whose limbs are put where a backbone's joints are."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.model import BodyModel
from body.skeleton import OPEN36, SMPL29
from lightning_modules.common.joint_prior import STRIDE, KnownJoints
from lightning_modules.common.pose_prior import PosePrior
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
    """A mesh between a method's own and a posed body, moved so that its joints are at the backbone's x and y.

    The posed body is the one that the joints suggest (`PosePrior.start`), of average shape, as large and where they
    show it; half way to it, vertices that their own heat maps place here and there lie in order again.

    How far vertices go with the joints is `B (A B)^-1`, A the anchors' regressor and B a softmax of how near every
    anchor is at rest: so moved, the mesh has exactly the wanted anchors. Depths stay.

    Args:
        body: whose mesh it is.
        depth_range: metres that the depth axis covers, the root in its middle.
        share: of the posed body.
    """

    anchors: Tensor
    weights: Tensor
    root: Tensor

    def __init__(self, body: BodyModel, depth_range: float = 2.0, share: float = 0.5) -> None:
        super().__init__()
        self.body, self.poses, self.depth_range, self.share = body, PosePrior(body), depth_range, share
        self.order = [OPEN36.index(joint) for joint in _ANCHORS]
        regressor, rest = body.joint_regressor(SMPL29.name), body.v_template
        anchors = regressor[[SMPL29.index(joint) for joint in _ANCHORS]].double()
        near = torch.softmax(-torch.cdist(rest.double(), anchors @ rest.double()) / _REACH, 1)
        self.register_buffer("root", regressor[SMPL29.root_index, None].float(), persistent=False)
        self.register_buffer("anchors", anchors.float(), persistent=False)
        self.register_buffer("weights", torch.linalg.solve(anchors @ near, near, left=False).float(), persistent=False)

    def forward(
        self, vertices: Float[Tensor, "batch vertices 3"], known: KnownJoints, bins: int, bins_per_cell: float = 1.0
    ) -> Float[Tensor, "batch vertices 3"]:
        """The mesh.

        Args:
            vertices: the method's, in bins.
            known: joints of the crop.
            bins: of each axis.
            bins_per_cell: bins in a cell of the backbone's map.
        """
        with full_precision(vertices):
            mixed = torch.lerp(vertices.float(), self.posed(known, bins, bins_per_cell), self.share)
            missing = known.cells[:, self.order] * bins_per_cell - self.anchors @ mixed[..., :2]
            return torch.cat([mixed[..., :2] + self.weights @ missing, mixed[..., 2:]], -1)

    def posed(self, known: KnownJoints, bins: int, bins_per_cell: float) -> Float[Tensor, "batch vertices 3"]:
        """The body that the joints suggest, in bins."""
        rotations = self.poses.start(known)
        average = torch.zeros_like(rotations[:, :10, 0, 0])
        camera = self.poses.follow(rotations, average, known, round(bins / bins_per_cell) * STRIDE)
        vertices = self.body.forward_rotmat(rotations, average).vertices
        vertices = vertices - self.root @ vertices
        across = vertices[..., :2] * camera.scale[:, None, None] + camera.shift[:, None]
        deep = (vertices[..., 2:] / self.depth_range + 0.5) * bins
        return torch.cat([across * (bins_per_cell / STRIDE), deep], -1)
