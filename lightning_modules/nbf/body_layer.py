"""The body inside the network: numbers to rotations, joints and a mesh, differentiable throughout (section 3.1)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.model import BodyModel
from lightning_modules.common.kinematics import pose_joints, to_absolute, to_relative
from lightning_modules.common.nearest_rotation import nearest_rotation
from lightning_modules.common.precision import full_precision
from lightning_modules.nbf.config import Rotations


class BodyLayer(nn.Module):
    """A body model without trainable weights, posed by matrices that are made rotations here.

    Args:
        body: with SMPL's 24 joints.
        rotations: see `NBFConfig`.
        proper: see `nearest_rotation`.

    Raises:
        ValueError: the body is no body of 24 joints.
    """

    rest: Tensor
    rest_directions: Tensor

    def __init__(self, body: BodyModel, rotations: Rotations = "absolute", proper: bool = True) -> None:
        super().__init__()
        if len(body.parents) != 24:
            raise ValueError(f"body {body.name!r} has not SMPL's 24 joints; use open or smpl")
        self.body, self.absolute, self.proper = body, rotations == "absolute", proper
        self.register_buffer("rest", body.regressor @ body.v_template, persistent=False)
        directions = torch.einsum("jv,vck->jck", body.regressor, body.shapedirs)
        self.register_buffer("rest_directions", directions, persistent=False)

    def rotations(self, numbers: Float[Tensor, "batch 216"]) -> Float[Tensor, "batch 24 3 3"]:
        """24 rotations from their matrices' entries, row by row."""
        return nearest_rotation(numbers.view(-1, 24, 3, 3), self.proper)

    def mean_rotations(self) -> Float[Tensor, "24 3 3"]:
        """Of a T-pose that stands upright before a camera whose y axis points down."""
        upright = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
        absolute = upright.expand(24, 3, 3)
        return absolute if self.absolute else to_relative(absolute[None], self.body.parents)[0]

    def rest_joints(self, betas: Float[Tensor, "batch 10"]) -> Float[Tensor, "batch 24 3"]:
        """Joints of the T-pose, metres: linear in the shape."""
        with full_precision(betas):
            return self.rest + torch.einsum("jck,bk->bjc", self.rest_directions, betas)

    def joints(
        self, rotations: Float[Tensor, "batch 24 3 3"], betas: Float[Tensor, "batch 10"]
    ) -> Float[Tensor, "batch 24 3"]:
        """Posed joints without translation, metres."""
        with full_precision(betas):
            return pose_joints(rotations, self.rest_joints(betas), self.body.parents, self.absolute)

    def relative(self, rotations: Float[Tensor, "batch 24 3 3"]) -> Float[Tensor, "batch 24 3 3"]:
        """As the body model takes them."""
        if not self.absolute:
            return rotations
        with full_precision(rotations):
            return to_relative(rotations, self.body.parents)

    def from_relative(self, rotations: Float[Tensor, "batch 24 3 3"]) -> Float[Tensor, "batch 24 3 3"]:
        """As this layer takes them."""
        if not self.absolute:
            return rotations
        with full_precision(rotations):
            return to_absolute(rotations, self.body.parents)

    def vertices(
        self, rotations: Float[Tensor, "batch 24 3 3"], betas: Float[Tensor, "batch 10"]
    ) -> Float[Tensor, "batch vertices 3"]:
        """The posed mesh without translation, metres."""
        with full_precision(betas):
            return self.body.forward_rotmat(self.relative(rotations), betas).vertices
