"""Rotation matrices from what networks predict, and from a crop's camera to the image's."""

from __future__ import annotations

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import invert_affine
from lightning_modules.common.nearest_rotation import nearest_rotation
from lightning_modules.common.precision import full_precision


def matrix_from_6d(numbers: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation matrix from the continuous six-number form (Zhou et al. 2019), in float32.

    Convention:
        The numbers are a 3 x 2 matrix, row by row; Gram-Schmidt on its columns gives the first two columns of the
        rotation matrix. Example: (1, 0, 0, 1, 0, 0) is the identity.
    """
    with full_precision(numbers):
        return roma.special_gramschmidt(numbers.float().view(*numbers.shape[:-1], 3, 2))


def matrix_from_9d(numbers: Float[Tensor, "*batch 9"]) -> Float[Tensor, "*batch 3 3"]:
    """The rotation matrix nearest to any 3 x 3 matrix (row by row), never a reflection, in float32."""
    return nearest_rotation(numbers.float().view(*numbers.shape[:-1], 3, 3))


def axis_angle_from_6d(numbers: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3"]:
    """`matrix_from_6d` as axis-angle; angles are in [0, pi]."""
    with full_precision(numbers):
        return roma.rotmat_to_rotvec(matrix_from_6d(numbers))


def crop_to_camera_rotation(
    intrinsics: Float[Tensor, "batch 3 3"], affine: Float[Tensor, "batch 2 3"], crop_size: int
) -> Float[Tensor, "batch 3 3"]:
    """The smallest rotation that takes the optical axis to the ray through the middle of the crop.

    A crop does not show where in the image it was cut out, but a body seen at an angle looks rotated by it. Methods
    predict the orientation as if the camera looked straight at the crop; this takes it to the camera frame.

    Convention:
        camera = R @ crop. Example: a crop in the middle of the image gives the identity; one whose ray points to
        (1, 0, 1) gives 45 degrees about +y (z towards x).
    """
    with full_precision(intrinsics):
        middle = torch.full_like(affine[:, :, 0], crop_size / 2)
        inverse = invert_affine(affine)
        pixel = (inverse[..., :2] @ middle.unsqueeze(-1)).squeeze(-1) + inverse[..., 2]
        focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)
        y = (pixel[:, 1] - intrinsics[:, 1, 2]) / focal[:, 1]
        x = (pixel[:, 0] - intrinsics[:, 0, 2] - intrinsics[:, 0, 1] * y) / focal[:, 0]
        across = (x.square() + y.square()).clamp(min=1e-18).sqrt()
        angle = torch.atan(across) / across
        return roma.rotvec_to_rotmat(torch.stack([-y * angle, x * angle, torch.zeros_like(x)], -1))


def crop_focal(
    intrinsics: Float[Tensor, "batch 3 3"], affine: Float[Tensor, "batch 2 3"], crop_size: int
) -> Float[Tensor, " batch"]:
    """Focal length of the camera that took the crop, in halves of the crop."""
    with full_precision(intrinsics):
        (a, b), (c, d) = ((row[:, 0], row[:, 1]) for row in (affine[:, :, :2] @ intrinsics[:, :2, :2]).unbind(1))
        return (a * d - b * c).abs().sqrt() / (crop_size / 2)  # OpenVINO has no determinant
