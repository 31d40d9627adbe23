"""Pinhole cameras, and the affine maps of image crops.

Convention:
    Camera frame: x right, y down, z forward, metres. Image frame: x right, y down, pixels, pixel centres at integers.
    An affine is a (2, 3) matrix that maps full-image pixels to crop pixels. Example: focal 1000, principal point
    (320, 240), point (0.1, 0.2, 2) -> pixel (370, 340).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def intrinsics_matrix(
    focal: Float[Tensor, "*batch 2"], principal_point: Float[Tensor, "*batch 2"]
) -> Float[Tensor, "*batch 3 3"]:
    """Camera matrix from focal lengths and principal point, both in pixels."""
    matrix = torch.diag_embed(torch.cat([focal, torch.ones_like(focal[..., :1])], -1))
    matrix[..., :2, 2] = principal_point
    return matrix


def project(
    points: Float[Tensor, "*batch points 3"], intrinsics: Float[Tensor, "*batch 3 3"]
) -> Float[Tensor, "*batch points 2"]:
    """Perspective projection of camera-frame points (metres) to full-image pixels."""
    homogeneous = points @ intrinsics.mT
    return homogeneous[..., :2] / homogeneous[..., 2:]


def backproject(
    pixels: Float[Tensor, "*batch points 2"],
    depth: Float[Tensor, "*batch points"],
    intrinsics: Float[Tensor, "*batch 3 3"],
) -> Float[Tensor, "*batch points 3"]:
    """Camera-frame points (metres) from full-image pixels and their depths (metres along z)."""
    rays = apply_affine(pixels, invert_affine(intrinsics[..., :2, :]))
    return torch.cat([rays, torch.ones_like(rays[..., :1])], -1) * depth.unsqueeze(-1)


def apply_affine(
    points: Float[Tensor, "*batch points 2"], affine: Float[Tensor, "*batch 2 3"]
) -> Float[Tensor, "*batch points 2"]:
    """Map 2D points through an affine."""
    return points @ affine[..., :2].mT + affine[..., None, :, 2]


def invert_affine(affine: Float[Tensor, "*batch 2 3"]) -> Float[Tensor, "*batch 2 3"]:
    """The affine that undoes `affine`."""
    (a, b), (c, d) = (row.unbind(-1) for row in affine[..., :2].unbind(-2))
    cofactors = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2)
    inverse = cofactors / (a * d - b * c)[..., None, None]
    return torch.cat([inverse, -inverse @ affine[..., 2:]], -1)


def compose_affine(
    second: Float[Tensor, "*batch 2 3"], first: Float[Tensor, "*batch 2 3"]
) -> Float[Tensor, "*batch 2 3"]:
    """The affine that applies `first`, then `second`."""
    linear = second[..., :2] @ first[..., :2]
    return torch.cat([linear, second[..., :2] @ first[..., 2:] + second[..., 2:]], -1)


def square_box(box: Float[Tensor, "*batch 4"], margin: float = 1.25) -> Float[Tensor, "*batch 4"]:
    """Grow an (x, y, width, height) box about its centre to a square, `margin` times its longer side."""
    side = box[..., 2:].amax(-1, keepdim=True) * margin
    centre = box[..., :2] + box[..., 2:] / 2
    return torch.cat([centre - side / 2, side, side], -1)


def crop_affine(
    box: Float[Tensor, "*batch 4"], size: int, rotation: Float[Tensor, "*batch"] | None = None
) -> Float[Tensor, "*batch 2 3"]:
    """Affine of a crop: the box centre lands on (size / 2, size / 2) and its longer side spans `size` pixels.

    Args:
        box: (x, y, width, height) in full-image pixels.
        size: side of the square crop in pixels.
        rotation: radians by which the crop window rotates clockwise as seen on the screen (x towards y), so that the
            image content rotates the other way; none when omitted.

    Convention:
        The box centre is x + width / 2 (no half pixel), as in the official I2L-MeshNet code, whose inverse uses the
        same rule and so decodes exactly.
    """
    centre = box[..., :2] + box[..., 2:] / 2
    scale = size / box[..., 2:].amax(-1)
    angle = torch.zeros_like(scale) if rotation is None else rotation
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    linear = torch.stack([torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1)], -2)
    offset = size / 2 - (linear @ centre.unsqueeze(-1)).squeeze(-1)
    return torch.cat([linear, offset.unsqueeze(-1)], -1)


def scale_affine(affine: Float[np.ndarray, "2 3"], factor: float) -> Float[np.ndarray, "2 3"]:
    """The affine to the same crop at another resolution.

    Args:
        affine: full-image pixels to the pixels of the crop.
        factor: new side of the crop over the old one.

    Convention:
        Pixel centres are at integers, so the crop's corner is at (-0.5, -0.5) at any resolution. Example: pixel 0.5 of
        a crop that becomes half as large is pixel 0.
    """
    scaled = factor * np.asarray(affine, np.float64)
    scaled[:, 2] += (factor - 1) / 2
    return scaled


def rotation_affine(
    intrinsics: Float[Tensor, "*batch 3 3"], angle: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch 2 3"]:
    """How image pixels move when the scene rotates about the optical axis (x towards y): K R_z K^-1.

    Exact for every camera, whatever the depth of the points.
    """
    rotation = torch.diag_embed(torch.ones_like(intrinsics[..., 0]))
    rotation[..., 0, 0] = rotation[..., 1, 1] = torch.cos(angle)
    rotation[..., 1, 0] = torch.sin(angle)
    rotation[..., 0, 1] = -rotation[..., 1, 0]
    return (intrinsics @ rotation @ torch.linalg.inv_ex(intrinsics)[0])[..., :2, :]


def default_intrinsics(width: int, height: int) -> Float[Tensor, "3 3"]:
    """Camera of an image that comes without one: 60 degrees across the longer side, centred."""
    focal = max(width, height) / 2 / torch.tan(torch.deg2rad(torch.tensor(30.0)))
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    return intrinsics_matrix(focal.expand(2), centre)
