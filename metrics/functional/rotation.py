"""The rotation that best maps one centred point set onto another, for many samples at once."""

from __future__ import annotations

import roma
import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from metrics.functional.order import ordered_sum

_FIXED_POINT_STEPS = 2  # an even number ends on an upper bound also for negative determinants
_NEWTON_STEPS = 6
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
    Horn's quaternion matrix (t^4 - 2 |A|^2 t^2 - 8 det(A) t + det N); its other invariants are
    e2 = (t^2 - |A|^2) / 2 with e2^2 = |cof A|^2 + 2 det(A) t, and e3 = det A. Those two equations are iterated from the
    bound sqrt(3) |A|, and a few Newton steps finish. Cayley-Hamilton on P then gives the rotation:
    R = ((t^2 - e2) A + t cof(A) - A A^T A) / (t e2 - e3). The denominator is (s1 + s2)(s1 + s3)(s2 + s3) with the
    sign of det A on the smallest singular value; where it is small, the SVD decides instead.
    """
    # Samples last: every elementary operation then runs over one contiguous vector.
    planes = covariance.permute(2, 1, 0).contiguous()
    norm = ordered_sum((planes * planes).flatten(0, 1)).sqrt()
    usable = torch.isfinite(norm) & (norm > 0)
    scaled = planes / norm
    closed, trusted = _closed_form(scaled)
    rotation = closed.permute(2, 0, 1).contiguous()
    doubtful = (~trusted & usable).nonzero().squeeze(-1)
    if len(doubtful):
        rotation[doubtful] = _from_svd(scaled[..., doubtful].permute(2, 0, 1))
    identity = torch.eye(3, dtype=rotation.dtype, device=rotation.device)
    return rotation.where(usable[:, None, None], identity)


def best_orthogonal(covariance: Float64[Tensor, "batch 3 3"]) -> Float64[Tensor, "batch 3 3"]:
    """As `best_rotation`, but over all orthogonal matrices: reflections too, where they fit better."""
    usable = torch.isfinite(covariance).all(-1).all(-1) & (covariance != 0).any(-1).any(-1)
    identity = torch.eye(3, dtype=covariance.dtype, device=covariance.device)
    return roma.procrustes(covariance.mT.where(usable[:, None, None], identity))


def _closed_form(matrix: Float64[Tensor, "3 3 batch"]) -> tuple[Float64[Tensor, "3 3 batch"], Bool[Tensor, " batch"]]:
    """Rotation factor of matrices of unit norm, and where it can be trusted."""
    cofactor = _cofactor(matrix)
    gram = _gram(matrix)
    square = gram[0, 0] + gram[1, 1] + gram[2, 2]  # 1 up to rounding
    determinant = ordered_sum(matrix[0] * cofactor[0])
    # Of the singular values: square = sum s_i^2, cofactor_square = sum (s_i s_j)^2, det N = square^2 - 4 of the latter.
    cofactor_square = ordered_sum((cofactor * cofactor).flatten(0, 1))
    constant = square * square - 4 * cofactor_square
    twice, eightfold = 2 * square, 8 * determinant
    trace = (3 * square).sqrt()
    for _ in range(_FIXED_POINT_STEPS):
        trace = (square + 2 * (cofactor_square + 2 * determinant * trace).clamp(min=0).sqrt()).sqrt()
    for _ in range(_NEWTON_STEPS):
        squared = trace * trace
        value = (squared - twice) * squared - eightfold * trace + constant
        slope = (4 * squared - 2 * twice) * trace - eightfold
        trace = trace - value / slope
    second = (trace * trace - square) / 2
    denominator = trace * second - determinant
    cubic = ordered_sum(matrix.transpose(0, 1)[:, :, None] * gram[:, None])  # A A^T A
    rotation = ((trace * trace - second) * matrix + trace * cofactor - cubic) / denominator
    identity = torch.eye(3, dtype=matrix.dtype, device=matrix.device)
    deviation = (_gram(rotation) - identity[:, :, None]).abs().amax((0, 1))
    return rotation, (denominator > _ILL_CONDITIONED) & (deviation < _ORTHOGONALITY)


def _cofactor(matrix: Float64[Tensor, "3 3 batch"]) -> Float64[Tensor, "3 3 batch"]:
    """Matrix of cofactors: its rows are the cross products of the other two rows."""
    # Repeating the first two rows and columns makes every 2 x 2 minor a window, without signs.
    wide = torch.cat([matrix, matrix[:2]])
    wide = torch.cat([wide, wide[:, :2]], 1)
    return wide[1:4, 1:4] * wide[2:, 2:] - wide[1:4, 2:] * wide[2:, 1:4]


def _gram(matrix: Float64[Tensor, "3 3 batch"]) -> Float64[Tensor, "3 3 batch"]:
    """A^T A."""
    return ordered_sum(matrix[:, :, None] * matrix[:, None])


def _from_svd(matrix: Float64[Tensor, "batch 3 3"]) -> Float64[Tensor, "batch 3 3"]:
    """Rotation factor by SVD, the last singular direction reversed where the determinant is negative."""
    left, _, right = torch.linalg.svd(matrix)
    sign = torch.ones_like(matrix[:, 0])
    sign[:, 2] = torch.sign(torch.linalg.det(left @ right))
    return (left * sign[:, None]) @ right
