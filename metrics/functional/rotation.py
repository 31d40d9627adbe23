"""The rotation that best maps one centred point set onto another, for many samples at once."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

_NEWTON_STEPS = 12
# Below this product of normalised singular-value sums, rounding in the closed form grows past 1e-9: use the SVD.
_ILL_CONDITIONED = 1e-3
_ORTHOGONALITY = 1e-9


def best_rotation(covariance: Float64[Tensor, "batch 3 3"]) -> Float64[Tensor, "batch 3 3"]:
    """Proper rotations R (determinant +1) that maximise trace(R @ covariance).

    With `covariance = sum_j x_j y_j^T` of centred points, R is the rotation that brings x closest to y in the
    least-squares sense (orthogonal Procrustes, Kabsch). A covariance of zero gives the identity; one with a non-finite
    entry gives the identity too, for the caller's own arithmetic to carry the NaN.

    Convention:
        Column vectors: y is close to R @ x. Reflections are never returned, so mirrored points stay apart.

    The closed form: let A = covariance^T = R P with P symmetric. P's trace t is the largest root of the quartic of
    Horn's quaternion matrix (t^4 - 2 |A|^2 t^2 - 8 det(A) t + det N), found by Newton steps from above; its other
    invariants are e2 = (t^2 - |A|^2) / 2 and e3 = det A; and Cayley-Hamilton on P turns them into R:
    R = ((t^2 - e2) A + t cof(A) - A A^T A) / (t e2 - e3). The denominator is (s1 + s2)(s1 + s3)(s2 + s3) with the
    sign of det A on the smallest singular value; where it is small, the SVD decides instead.
    """
    norm = torch.linalg.matrix_norm(covariance)
    usable = torch.isfinite(norm) & (norm > 0)
    identity = torch.eye(3, dtype=covariance.dtype, device=covariance.device)
    scaled = torch.where(usable[:, None, None], covariance.mT / norm[:, None, None], identity)
    rotation, trusted = _closed_form(scaled)
    doubtful = (~trusted & usable).nonzero().squeeze(-1)
    if len(doubtful):
        rotation[doubtful] = _from_svd(scaled[doubtful])
    return torch.where(usable[:, None, None], rotation, identity)


def _closed_form(
    matrix: Float64[Tensor, "batch 3 3"],
) -> tuple[Float64[Tensor, "batch 3 3"], Bool[Tensor, "batch"]]:
    """Rotation factor of matrices of unit norm, and where it can be trusted."""
    first, second, third = matrix.unbind(-2)
    cofactor = torch.stack([_cross(second, third), _cross(third, first), _cross(first, second)], -2)
    gram = matrix.mT @ matrix
    square = gram.diagonal(dim1=-2, dim2=-1).sum(-1)  # 1 up to rounding
    determinant = (first * cofactor[:, 0]).sum(-1)
    fourth = (gram * gram).sum((-1, -2))
    # Sums over the singular values s: square = sum s^2, fourth = sum s^4; then det N = 2 fourth - square^2.
    constant = 2 * fourth - square * square
    trace = (3 * square).sqrt()  # an upper bound: s1 + s2 + s3 <= sqrt(3) |A|
    for _ in range(_NEWTON_STEPS):
        value = ((trace * trace - 2 * square) * trace - 8 * determinant) * trace + constant
        slope = 4 * ((trace * trace - square) * trace - 2 * determinant)
        step = value / slope
        trace = trace - torch.where(slope > 0, step, 0.0)
    second_invariant = (trace * trace - square) / 2
    denominator = trace * second_invariant - determinant
    numerator = (
        (trace * trace - second_invariant)[:, None, None] * matrix
        + trace[:, None, None] * cofactor
        - matrix @ gram
    )  # fmt: skip
    rotation = numerator / denominator[:, None, None]
    identity = torch.eye(3, dtype=matrix.dtype, device=matrix.device)
    deviation = (rotation.mT @ rotation - identity).abs().amax((-1, -2))
    return rotation, (denominator > _ILL_CONDITIONED) & (deviation < _ORTHOGONALITY)


def _cross(a: Float64[Tensor, "batch 3"], b: Float64[Tensor, "batch 3"]) -> Float64[Tensor, "batch 3"]:
    return torch.linalg.cross(a, b)


def _from_svd(matrix: Float64[Tensor, "batch 3 3"]) -> Float64[Tensor, "batch 3 3"]:
    """Rotation factor by SVD, the last singular direction turned where the determinant is negative."""
    left, _, right = torch.linalg.svd(matrix)
    sign = torch.ones_like(matrix[:, 0])
    sign[:, 2] = torch.sign(torch.linalg.det(left @ right))
    return (left * sign[:, None]) @ right
