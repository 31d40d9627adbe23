"""Pose, shape and translation of a body that bring its mesh, or its joints, to given points: damped Gauss-Newton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from body.model import BodyModel
from body.skeleton import SMPL24

_POSE = 3 * len(SMPL24)
_DAMPING = 1e-3  # relative, at the start
_SETTLED = 1e-4  # share of the energy; who gains less has arrived
_BELOW = torch.zeros(len(SMPL24), len(SMPL24))  # [j, k]: whether joint k moves with joint j
for _joint in range(len(SMPL24)):
    _above = _joint
    _BELOW[_above, _joint] = 1
    while _above:
        _above = SMPL24.parent_indices[_above]
        _BELOW[_above, _joint] = 1


class BodyState(NamedTuple):
    """Bodies that are being fitted; rotations take a child's coordinates to its parent's."""

    rotations: Float[Tensor, "batch 24 3 3"]
    betas: Float[Tensor, "batch 10"]
    transl: Float[Tensor, "batch 3"]


@dataclass(frozen=True)
class BodyFit:
    """A least-squares problem for every person.

    Minimised is the sum of squares of: misses of the points over `miss`; the angles between every joint and where it
    began over `stiffness`; the shape coefficients.

    Attributes:
        body: with SMPL's 24 joints.
        target: points in any frame, metres.
        regressor: gives the points from the body's vertices; None if they are the vertices.
        miss: metres by which a point may miss.
        stiffness: radians by which a joint may leave its start.
    """

    body: BodyModel
    target: Float[Tensor, "batch points 3"]
    regressor: Float[Tensor, "points vertices"] | None
    miss: float
    stiffness: float

    def solve(self, start: BodyState, steps: int) -> BodyState:
        """Levenberg-Marquardt, at most `steps`; every person has its own damping, and no step raises its energy."""
        state, damping = start, torch.full((len(self.target),), _DAMPING, dtype=torch.float64)
        energy = self._energy(state, start)
        for _ in range(steps):
            candidate = self._step(state, start, damping)
            reached = self._energy(candidate, start)
            better = reached < energy  # false for NaN
            state = BodyState(
                *(
                    torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old)
                    for new, old in zip(candidate, state, strict=True)
                )
            )
            settled = better & (energy - reached < _SETTLED * energy)
            energy = torch.where(better, reached, energy)
            if bool(settled.all()):
                break
            damping = torch.where(better, damping / 10, damping * 10).clamp(1e-9, 1e6)
        return state

    def points(self, state: BodyState) -> Float[Tensor, "batch points 3"]:
        """The body's points that belong to the target's."""
        vertices = self.body.forward_rotmat(*state).vertices
        return vertices if self.regressor is None else self.regressor @ vertices

    def distances(self, state: BodyState) -> Float[Tensor, "batch points"]:
        """Metres between the points and the target's."""
        return (self.points(state) - self.target).norm(dim=-1)

    def _priors(self, state: BodyState, start: BodyState) -> Float[Tensor, "batch 82"]:
        turned = roma.rotmat_to_rotvec(start.rotations.mT @ state.rotations).flatten(1) / self.stiffness
        return torch.cat([turned, state.betas], 1).double()

    def _energy(self, state: BodyState, start: BodyState) -> Float[Tensor, " batch"]:
        misses = self.distances(state).double() / self.miss
        return misses.square().sum(1) + self._priors(state, start).square().sum(1)

    def _step(self, state: BodyState, start: BodyState, damping: Float[Tensor, " batch"]) -> BodyState:
        """One solution of the damped normal equations, for 72 angles, 10 coefficients and a translation."""
        jacobian = self._jacobian(state) / self.miss
        misses = (self.target - self.points(state)).flatten(1) / self.miss
        normal = (jacobian.mT @ jacobian).double()
        right = (jacobian.mT @ misses[..., None])[..., 0].double()
        weights = torch.ones(_POSE + 10, dtype=torch.float64)
        weights[:_POSE] = 1 / self.stiffness
        prior = range(_POSE + 10)
        normal[:, prior, prior] += weights.square()
        right[:, : _POSE + 10] -= weights * self._priors(state, start)
        diagonal = normal.diagonal(dim1=1, dim2=2)
        normal = normal + torch.diag_embed(damping[:, None] * diagonal)
        change = torch.linalg.solve(normal, right).to(state.betas.dtype)
        turns = roma.rotvec_to_rotmat(change[:, :_POSE].unflatten(1, (-1, 3)))
        return BodyState(state.rotations @ turns, state.betas + change[:, _POSE:-3], state.transl + change[:, -3:])

    def _jacobian(self, state: BodyState) -> Float[Tensor, "batch numbers 85"]:
        """How the points follow rotations about every joint's own axes, shape and translation.

        A rotation w of joint j moves what hangs on it by w x (x - joint), each vertex by its share of the joints from j
        on. SMPL's pose blendshapes are taken as constant, which costs speed, not accuracy.
        """
        body, weights = self.body, self.body.lbs_weights
        carry = body.joint_transforms(roma.rotmat_to_rotvec(state.rotations), state.betas)
        world, offset = carry[..., :3], carry[..., 3]
        rest = body.v_template + torch.einsum("vck,bk->bvc", body.shapedirs, state.betas)
        carried = weights[None, :, :, None] * (torch.einsum("bjac,bvc->bvja", world, rest) + offset[:, None])
        shapes = torch.einsum("vj,bjac,vck->bvak", weights, world, body.shapedirs)
        if self.regressor is not None:
            weights = self.regressor @ weights
            carried, shapes = (torch.einsum("pv,bv...->bp...", self.regressor, part) for part in (carried, shapes))
        joints = body.posed_joints(state.rotations, state.betas)
        held = (weights @ _BELOW.mT)[None, :, :, None] * joints[:, None]
        arms = torch.einsum("jk,bpkc->bpjc", _BELOW, carried) - held
        axes = world.mT[:, None]  # [..., j, i, :]: axis i of joint j in the world
        turns = torch.linalg.cross(axes.expand(-1, arms.shape[1], -1, -1, -1), arms[..., None, :])
        shapes = shapes + torch.einsum("pj,bjak->bpak", weights, self._carried_shapes(state, world))
        still = torch.eye(3).expand(*arms.shape[:2], 3, 3)
        by_point = torch.cat([turns.flatten(2, 3).mT, shapes, still], -1)
        return by_point.flatten(1, 2)

    def _carried_shapes(
        self, state: BodyState, world: Float[Tensor, "batch 24 3 3"]
    ) -> Float[Tensor, "batch 24 3 betas"]:
        """How the offsets that carry rest points along with each joint follow the shape; they are linear in it."""
        batch, count = len(state.betas), self.body.num_betas
        units = torch.cat([torch.zeros(1, count), torch.eye(count)])
        rotations = state.rotations.repeat_interleave(count + 1, 0)
        posed = self.body.posed_joints(rotations, units.repeat(batch, 1)).view(batch, count + 1, -1, 3)
        resting = torch.einsum("jv,vck->jck", self.body.regressor, self.body.shapedirs)
        return (posed[:, 1:] - posed[:, :1]).permute(0, 2, 3, 1) - torch.einsum("bjac,jck->bjak", world, resting)
