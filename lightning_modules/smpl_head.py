"""What methods that estimate a body's parameters share: forms of a rotation, and the body that they pose."""

from __future__ import annotations

from typing import NamedTuple

import roma
import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.camera import invert_affine
from body.model import BodyModel
from lightning_modules.precision import full_precision
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


def matrix_from_6d(numbers: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation matrix from the continuous six-number form (Zhou et al. 2019), in float32.

    Convention:
        The numbers are a 3 x 2 matrix, row by row; Gram-Schmidt on its columns gives the first two columns of the
        rotation matrix. Example: (1, 0, 0, 1, 0, 0) is no rotation.
    """
    with full_precision(numbers):
        return roma.special_gramschmidt(numbers.float().view(*numbers.shape[:-1], 3, 2))


def matrix_from_9d(numbers: Float[Tensor, "*batch 9"]) -> Float[Tensor, "*batch 3 3"]:
    """The rotation matrix nearest to any 3 x 3 matrix (row by row), never a reflection, in float32."""
    with full_precision(numbers):
        # its other method keeps a tensor, which after a prediction in inference mode cannot be trained with
        return roma.special_procrustes(numbers.float().view(*numbers.shape[:-1], 3, 3), method="svd")


def axis_angle_from_6d(numbers: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3"]:
    """`matrix_from_6d` as axis-angle; angles are in [0, pi]."""
    with full_precision(numbers):
        return roma.rotmat_to_rotvec(matrix_from_6d(numbers))


def ray_rotation(
    intrinsics: Float[Tensor, "batch 3 3"], affine: Float[Tensor, "batch 2 3"], crop_size: int
) -> Float[Tensor, "batch 3 3"]:
    """The smallest turn that takes the optical axis to the ray through the middle of the crop.

    A crop does not show where in the photograph it was cut out, but a body seen at an angle looks turned by it. Methods
    therefore predict the orientation as if the camera looked straight at the crop; this turns it into the camera frame.

    Convention:
        camera = R @ crop. Example: a crop in the middle of the photograph gives no turn; one whose ray points to
        (1, 0, 1) gives an eighth of a turn about +y (z towards x).
    """
    with full_precision(intrinsics):
        middle = torch.full_like(affine[:, :, 0], crop_size / 2)
        inverse = invert_affine(affine)
        pixel = (inverse[..., :2] @ middle.unsqueeze(-1)).squeeze(-1) + inverse[..., 2]
        focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)
        y = (pixel[:, 1] - intrinsics[:, 1, 2]) / focal[:, 1]
        x = (pixel[:, 0] - intrinsics[:, 0, 2] - intrinsics[:, 0, 1] * y) / focal[:, 0]
        across = torch.hypot(x, y).clamp(min=1e-9)
        angle = torch.atan(across) / across
        return roma.rotvec_to_rotmat(torch.stack([-y * angle, x * angle, torch.zeros_like(x)], -1))


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
                return self.body.turned(parameters.rotations, parameters.betas).vertices
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
