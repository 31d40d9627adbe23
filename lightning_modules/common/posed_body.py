"""Parameters that methods estimate, and the body that they pose, in the camera frame."""

from __future__ import annotations

from typing import NamedTuple

import roma
from jaxtyping import Float
from torch import Tensor, nn

from body.model import BodyModel
from lightning_modules.common.precision import full_precision
from lightning_modules.prediction import SmplParameters


class BodyParameters(NamedTuple):
    """What a body model is posed with; MANO's mean pose is not in it."""

    pose: Float[Tensor, "batch joints 3"]
    """Axis-angle, radians, joint 0 the orientation in the camera frame."""
    betas: Float[Tensor, "batch 10"]


class BodyRotations(NamedTuple):
    """`BodyParameters` with rotation matrices, which have no seam and no singular point to train across."""

    rotations: Float[Tensor, "batch joints 3 3"]
    betas: Float[Tensor, "batch 10"]

    def parameters(self) -> BodyParameters:
        """The same as axis-angle, in [0, pi]."""
        with full_precision(self.rotations):
            return BodyParameters(roma.rotmat_to_rotvec(self.rotations.float()), self.betas)


class PosedBody(nn.Module):
    """A body model with a joint set, put into the camera frame by one of its joints.

    Args:
        body: the model.
        joint_regressor: (joints, vertices) weights of the joint set.
        root: index of its root.
    """

    joint_regressor: Tensor

    def __init__(self, body: BodyModel, joint_regressor: Float[Tensor, "joints vertices"], root: int) -> None:
        super().__init__()
        self.body, self.root = body, root
        self.register_buffer("joint_regressor", joint_regressor.float(), persistent=False)

    def vertices(self, parameters: BodyParameters | BodyRotations) -> Float[Tensor, "batch vertices 3"]:
        """The mesh in metres, without translation."""
        with full_precision(parameters[0]):
            if isinstance(parameters, BodyRotations):
                return self.body.forward_rotmat(parameters.rotations, parameters.betas).vertices
            return self.body(parameters.pose + self.body.mean_pose, parameters.betas).vertices

    def joints(self, vertices: Float[Tensor, "batch vertices 3"]) -> Float[Tensor, "batch joints 3"]:
        """The joint set of a mesh, metres."""
        with full_precision(vertices):
            return self.joint_regressor @ vertices

    def place(
        self, parameters: BodyParameters | BodyRotations, root: Float[Tensor, "batch 3"]
    ) -> tuple[Float[Tensor, "batch vertices 3"], SmplParameters]:
        """The mesh with its root joint at `root` (metres, camera frame), and the parameters with their translation."""
        vertices = self.vertices(parameters)
        with full_precision(vertices):
            transl = root - self.joint_regressor[self.root] @ vertices
        plain = parameters.parameters() if isinstance(parameters, BodyRotations) else parameters
        return vertices + transl[:, None], SmplParameters(plain.pose, plain.betas, transl)

    def relative(self, joints: Float[Tensor, "batch joints 3"]) -> Float[Tensor, "batch joints 3"]:
        """Joints of the set, relative to its root."""
        return joints - joints[:, self.root, None]
