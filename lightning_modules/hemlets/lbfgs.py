"""L-BFGS over a batch of independent problems."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

_ENOUGH = 1e-4  # Armijo: share of the promised decrease that a step has to bring
_HALVINGS = 6


def minimise(
    energy: Callable[[Float[Tensor, "batch values"]], Float[Tensor, " batch"]],
    start: Float[Tensor, "batch values"],
    steps: int,
    memory: int = 8,
) -> Float[Tensor, "batch values"]:
    """A fixed number of L-BFGS steps (Nocedal and Wright, algorithm 7.4), every problem with its own history and step.

    A step is halved until the energy of that problem falls enough, six times at most; a problem for which it never does
    stays where it is. So no energy ever rises, and a problem's answer does not depend on its neighbours.

    Args:
        energy: one value per problem; problem b depends on row b alone.
        start: where to begin.
        steps: how many.
        memory: how many earlier steps stand in for the second derivatives.
    """
    point = start
    value, slope = _with_gradient(energy, point)
    moves: list[Tensor] = []
    changes: list[Tensor] = []
    for _ in range(steps):
        direction = -_inverse_hessian(slope, moves, changes)
        promise = _dot(direction, slope)
        uphill = promise >= 0  # the history misleads: go down the gradient instead
        direction = torch.where(uphill[:, None], -slope, direction)
        promise = torch.where(uphill, -_dot(slope, slope), promise)
        length = torch.ones_like(value)
        if not moves:  # no second derivatives known yet: change by at most about a hundredth
            length = (0.01 / slope.abs().amax(1).clamp(min=1e-12)).clamp(max=1.0)
        length = _search(energy, point, value, direction, promise, length)
        reached = point + length[:, None] * direction
        value, next_slope = _with_gradient(energy, reached)
        moves, changes = [*moves, reached - point][-memory:], [*changes, next_slope - slope][-memory:]
        point, slope = reached, next_slope
    return point


def _search(
    energy: Callable[[Tensor], Tensor],
    point: Float[Tensor, "batch values"],
    value: Float[Tensor, " batch"],
    direction: Float[Tensor, "batch values"],
    promise: Float[Tensor, " batch"],
    length: Float[Tensor, " batch"],
) -> Float[Tensor, " batch"]:
    """Step lengths that lower the energies enough; 0 where none did."""
    with torch.no_grad():
        for _ in range(_HALVINGS + 1):
            reached = energy(point + length[:, None] * direction)
            good = reached <= value + _ENOUGH * length * promise  # false for NaN
            if bool(good.all()):
                return length
            length = torch.where(good, length, length / 2)
        return torch.where(good, length, 0.0)


def _inverse_hessian(
    slope: Float[Tensor, "batch values"], moves: list[Tensor], changes: list[Tensor]
) -> Float[Tensor, "batch values"]:
    """The two-loop recursion; pairs without positive curvature are skipped, problem by problem."""
    result, weights = slope, []
    curvature = [_dot(move, change) for move, change in zip(moves, changes, strict=True)]
    rho = [torch.where(c > 1e-12, 1 / c.clamp(min=1e-12), 0.0) for c in curvature]
    for move, change, r in zip(reversed(moves), reversed(changes), reversed(rho), strict=True):
        weights.append(r * _dot(move, result))
        result = result - weights[-1][:, None] * change
    if moves:
        scale = curvature[-1] / _dot(changes[-1], changes[-1]).clamp(min=1e-20)
        result = result * torch.where(curvature[-1] > 1e-12, scale, 1.0)[:, None]
    for move, change, r, weight in zip(moves, changes, rho, reversed(weights), strict=True):
        result = result + (weight - r * _dot(change, result))[:, None] * move
    return result


def _with_gradient(
    energy: Callable[[Tensor], Tensor], point: Float[Tensor, "batch values"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, "batch values"]]:
    with torch.enable_grad():
        moving = point.detach().requires_grad_()
        values = energy(moving)
        (gradient,) = torch.autograd.grad(values.sum(), moving)
    return values.detach(), gradient


def _dot(first: Float[Tensor, "batch values"], second: Float[Tensor, "batch values"]) -> Float[Tensor, " batch"]:
    return (first * second).sum(1)
