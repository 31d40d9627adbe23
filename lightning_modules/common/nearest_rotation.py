"""The rotation nearest to a matrix in closed form, without a singular value decomposition, which few runtimes have."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lightning_modules.common.precision import full_precision

_STEPS = 14  # two are enough, but where the largest root is nearly a multiple one
_UNDECIDED = 1e-5  # of the quartic's slope, for a matrix of norm 1, where its rotation is as good as not determined
_CHOICE = (1e-3, 5e-4, 25e-5)  # added to the diagonal then, so that one of the rotations is chosen


def nearest_rotation(
    matrices: Float[Tensor, "*batch 3 3"], proper: bool = True, gradient_eps: float = 1e-5
) -> Float[Tensor, "*batch 3 3"]:
    """U V^T of each matrix's singular value decomposition: the orthogonal matrix nearest to it.

    FOAM (Markley, "Attitude determination using vector observations: a fast optimal matrix algorithm", 1993): the sum
    of the singular values, the smallest with the determinant's sign, is the largest root of a quartic; with it the
    rotation is a polynomial in the matrix. The gradient is that of the projection, with R^T dR = [w], (tr P - P) w =
    vee(R^T dM - dM^T R) and P = R^T M, so that equal singular values do no harm.

    Args:
        matrices: any.
        proper: never a reflection. Otherwise the answer for an improper matrix is one.
        gradient_eps: damps the gradient where two singular values cancel, and the projection has no single answer;
            relative to their sum.
    """
    with full_precision(matrices):
        kind = torch.promote_types(matrices.dtype, torch.float32)
        working = torch.float32 if matrices.device.type == "mps" else torch.float64
        given = matrices.to(working)
        if not proper:
            sign = torch.where(_det(given.detach()) < 0, -1.0, 1.0)[..., None, None].to(working)
            given = given * sign
        found = _foam(given.detach())
        if torch.is_grad_enabled():
            found = _with_gradient(found, given, gradient_eps)
        return (found if proper else found * sign).to(kind)


def _foam(matrices: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    norm = matrices.square().sum((-2, -1), keepdim=True).sqrt().clamp(min=1e-30)
    scaled = matrices / norm
    added = torch.diag(torch.tensor(_CHOICE, dtype=scaled.dtype, device=scaled.device))
    undecided = _largest_root(scaled)[1] < _UNDECIDED
    scaled = torch.where(undecided[..., None, None], scaled + added, scaled)
    root, _ = _largest_root(scaled)
    middle = (root.square() - scaled.square().sum((-2, -1))) / 2
    straight = ((root.square() + scaled.square().sum((-2, -1))) / 2)[..., None, None] * scaled
    found = straight + root[..., None, None] * _cofactors(scaled) - scaled @ scaled.mT @ scaled
    found = found / (middle * root - _det(scaled)).clamp(min=1e-30)[..., None, None]
    return (3 * found - found @ found.mT @ found) / 2  # orthogonal to the last bit


def _largest_root(matrices: Float[Tensor, "*batch 3 3"]) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """Sum of the singular values, the smallest with the determinant's sign, and the slope of the quartic there."""
    squared, cofactors = matrices.square().sum((-2, -1)), _cofactors(matrices)
    det = (cofactors[..., 0, :] * matrices[..., 0, :]).sum(-1)
    last = squared.square() - 4 * cofactors.square().sum((-2, -1))
    root = (3 * squared).sqrt()  # from above, where Laguerre's method falls to the largest root without passing it
    for _ in range(_STEPS):
        value = ((root.square() - 2 * squared) * root - 8 * det) * root + last
        slope = 4 * (root.square() - squared) * root - 8 * det
        curve = 12 * root.square() - 4 * squared
        steepest = slope + (9 * slope.square() - 12 * value * curve).clamp(min=0).sqrt()
        root = root - 4 * value / steepest.clamp(min=1e-30)
    return root, 4 * (root.square() - squared) * root - 8 * det


def _with_gradient(
    found: Float[Tensor, "*batch 3 3"], matrices: Float[Tensor, "*batch 3 3"], eps: float
) -> Float[Tensor, "*batch 3 3"]:
    """The same rotations, as one more Newton step from them: it changes nothing and has the projection's gradient."""
    overlap = found.mT @ matrices
    symmetric = overlap.detach()
    trace = symmetric.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    system = trace * torch.eye(3, dtype=found.dtype, device=found.device) - symmetric
    det = _det(system)
    limit = (eps * matrices.detach().square().sum((-2, -1)).sqrt()) ** 3
    inverse = _cofactors(system) * (det / (det.square() + limit.square() + 1e-60))[..., None, None]
    x, y, z = (inverse @ _vee(overlap - overlap.mT).unsqueeze(-1)).squeeze(-1).unbind(-1)
    none = torch.zeros_like(x)
    turn = torch.stack([none, -z, y, z, none, -x, -y, x, none], -1).view(matrices.shape)
    return found + found @ (turn - turn.detach())


def _vee(skew: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    return torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1)


def _cofactors(matrices: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    first, second, third = matrices.unbind(-2)
    rows = [torch.linalg.cross(second, third), torch.linalg.cross(third, first), torch.linalg.cross(first, second)]
    return torch.stack(rows, -2)


def _det(matrices: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch"]:
    return (matrices[..., 0, :] * torch.linalg.cross(matrices[..., 1, :], matrices[..., 2, :])).sum(-1)
