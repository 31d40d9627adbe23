"""Inverse kinematics: points of captured people become poses of the open body on limbs of their own length."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from smplx.lbs import batch_rodrigues
from torch import Tensor

from body.open_body import read_open_body
from body.skeleton import SMPL24
from datamodules.open_v2.poses.start import starting_pose

_J = SMPL24.index
_POINT = 0.01  # metres by which a point may miss
_OFFSET = 0.03  # metres by which bones and markers differ from the open body's, beyond a common scale
_FREE = 0.5  # radians by which shoulders and hips may leave the analytic start
_LOOSE = frozenset({"spine1", "spine2", "spine3", "neck", "head"})  # captured skeletons have other joints there
# Standard deviations of axis-angle components, radians; what has none here is free but for `_FREE`.
_SPREAD: dict[str, tuple[float, float, float]] = {
    "spine1": (0.35, 0.25, 0.25),
    "spine2": (0.35, 0.25, 0.25),
    "spine3": (0.25, 0.25, 0.25),
    "neck": (0.35, 0.35, 0.3),
    "head": (0.35, 0.35, 0.3),
    "knee": (9.0, 0.06, 0.06),
    "ankle": (0.4, 0.15, 0.15),
    "foot": (0.1, 0.1, 0.1),
    "collar": (0.1, 0.2, 0.2),
    "elbow": (0.1, 9.0, 0.1),
    "wrist": (0.25, 0.25, 0.25),
    "hand": (0.1, 0.1, 0.1),
}


@dataclass(frozen=True)
class Fit:
    """Poses and how far their points lie from the captured ones.

    Attributes:
        pose: joint 0 is the orientation in the frame of the points.
        error: metres, for every point.
    """

    pose: Float[np.ndarray, "poses 24 3"]
    error: Float[np.ndarray, "poses points"]


@cache
def rest_joints() -> Float[np.ndarray, "24 3"]:
    """Joints of the open body's mean shape in its T-pose, metres."""
    data = read_open_body()
    return np.asarray(data["J_regressor"] @ data["v_template"], np.float64)


def fit_poses(
    points: Float[np.ndarray, "poses points 3"],
    joints: tuple[str, ...],
    people: Int[np.ndarray, " poses"],
    steps: int = 300,
    own_bones: bool = True,
) -> Fit:
    """Fit all poses at once; the bones and the markers' seats on them are shared by the poses of a person.

    The sum over squared misses (in units of 1 cm) and priors is minimised with Adam: joints prefer their anatomical
    range, elbows and knees are hinges, and the twist of upper arms and thighs stays near that of `starting_pose`,
    which takes it from the plane in which the limb bends.

    Args:
        points: metres, y up.
        joints: the joint of `SMPL24` that every point rides on; at least hips, knees, ankles, feet, pelvis, spine3,
            neck, head, shoulders, elbows and wrists. Points of the limbs are the joints themselves; those of spine,
            neck and head lie somewhere near, the same for all poses of a person.
        people: number of the person from 0.
        steps: of the optimiser.
        own_bones: whether bones are as long as the person's; without, they are those of the open body's mean shape.

    Raises:
        ValueError: a joint that is needed is missing.
    """
    start = starting_pose(points, joints)
    problem = _Problem(points, joints, people, start)
    optimiser = torch.optim.Adam(problem.unknowns(own_bones), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=5e-4)
    for _ in range(steps):
        optimiser.zero_grad()
        problem.loss().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return problem.result()


class _Problem:
    """The unknowns of a fit and its sum of squares."""

    def __init__(
        self,
        points: Float[np.ndarray, "poses points 3"],
        joints: tuple[str, ...],
        people: Int[np.ndarray, " poses"],
        start: Float[np.ndarray, "poses 24 3"],
    ) -> None:
        self.points = torch.tensor(points, dtype=torch.float32)
        self.rides = [_J(name) for name in joints]
        self.people = torch.tensor(np.asarray(people), dtype=torch.long)
        self.start = torch.tensor(start, dtype=torch.float32)
        rest = torch.tensor(rest_joints(), dtype=torch.float32)
        parents = list(SMPL24.parent_indices)
        self.bones = rest - rest[parents]
        self.parents, count = parents, int(self.people.max()) + 1
        self.pose = self.start.clone().requires_grad_()
        self.place = torch.zeros(len(points), 3, requires_grad=True)
        self.scale = torch.zeros(count, 24, 1, requires_grad=True)
        self.offset = torch.zeros(count, 24, 3, requires_grad=True)
        self.seat = torch.zeros(count, len(joints), 3, requires_grad=True)
        loose = torch.tensor([name in _LOOSE for name in joints])
        self.seat_spread = torch.where(loose, 0.06, 0.008)[:, None]
        names = [joint.removeprefix("left_").removeprefix("right_") for joint in SMPL24.joints]
        spread = torch.tensor([_SPREAD.get(name, (9.0, 9.0, 9.0)) for name in names])
        self.precision = 1 / spread
        ball = torch.tensor([name in ("shoulder", "hip") for name in names])
        self.drift = torch.where(ball, 1 / _FREE, 0.0)[:, None]
        self.root = torch.tensor([_J("pelvis")])

    def unknowns(self, own_bones: bool) -> list[Tensor]:
        """What the optimiser may change."""
        return [self.pose, self.place, *([self.scale, self.offset, self.seat] if own_bones else [])]

    def placed(self) -> Float[Tensor, "poses points 3"]:
        """Where the points are on the posed skeleton."""
        bones = self.bones * torch.exp(self.scale) + self.offset
        bones = bones[self.people]
        local = batch_rodrigues(self.pose.reshape(-1, 3)).view(-1, 24, 3, 3)
        turned, joints = [local[:, 0]], [self.place]
        for joint, parent in enumerate(self.parents[1:], start=1):
            joints.append(joints[parent] + (turned[parent] @ bones[:, joint, :, None])[..., 0])
            turned.append(turned[parent] @ local[:, joint])
        seats = self.seat[self.people]
        carried = [joints[j] + (turned[j] @ seats[:, k, :, None])[..., 0] for k, j in enumerate(self.rides)]
        return torch.stack(carried, 1)

    def loss(self) -> Tensor:
        """The sum of squares, per pose."""
        miss = ((self.placed() - self.points) / _POINT).square().sum()
        prior = (self.pose * self.precision)[:, 1:].square().sum()
        prior = prior + ((self.pose - self.start) * self.drift).square().sum()
        prior = prior + 400 * self._beyond_hinges().square().sum()
        spine = [_J("spine1"), _J("spine2"), _J("spine3")]
        bend = self.pose[:, spine] - self.pose[:, spine].mean(1, keepdim=True)
        prior = prior + (bend / 0.1).square().sum()
        people = (self.offset / _OFFSET).square().sum() + (self.seat / self.seat_spread).square().sum()
        people = people + ((self.scale - self.scale.mean(1, keepdim=True)) / 0.1).square().sum()
        mirror = list(SMPL24.mirror)
        people = people + ((self.scale - self.scale[:, mirror]) / 0.02).square().sum()
        return (miss + prior) / len(self.points) + people / len(self.scale)

    def _beyond_hinges(self) -> Tensor:
        """How far elbows and knees are over-stretched or bent beyond their range, radians."""
        flexion = torch.stack(
            [
                -self.pose[:, _J("left_elbow"), 1],
                self.pose[:, _J("right_elbow"), 1],
                self.pose[:, _J("left_knee"), 0],
                self.pose[:, _J("right_knee"), 0],
            ],
            1,
        )
        return (-flexion).clamp(min=0) + (flexion - 2.55).clamp(min=0)

    @torch.no_grad()
    def result(self) -> Fit:
        """The fit as it stands."""
        error = (self.placed() - self.points).norm(dim=-1)
        return Fit(self.pose.detach().double().numpy(), error.double().numpy())
