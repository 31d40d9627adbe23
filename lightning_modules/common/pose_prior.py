"""A body's pose and the joints that a backbone says: a pose from them in closed form, and limbs put where they are.

Bones are turned to their joints one after the other, from the root outwards, as in analytical inverse kinematics.
Pelvis, chest and head have several bones; two directions turn each. What joints do not say, the twist of a limb, stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.model import BodyModel
from body.skeleton import OPEN36, SMPL24, SMPL29
from lightning_modules.common.joint_prior import STRIDE, KnownJoints
from lightning_modules.common.kinematics import levels, pose_joints, to_absolute, to_relative
from lightning_modules.common.precision import full_precision

_FRAMES: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "pelvis": (("right_hip", "left_hip"), ("pelvis", "neck")),
    "spine3": (("right_shoulder", "left_shoulder"), ("spine1", "neck")),
    "head": (("right_ear", "left_ear"), ("head", "nose")),
}
"""Joint with several bones -> two directions, from joint to joint, that turn with it; the first one counts more."""
_BETWEEN = {
    "spine1": ("pelvis", "spine3", 1 / 3),
    "spine2": ("pelvis", "spine3", 2 / 3),
    "neck": ("spine3", "head", 0.5),
}
"""Joint -> two others whose rotations its own lies between, and how near it is to the second."""
_CHILD = {
    parent: child
    for child, parent in zip(SMPL24.joints, SMPL24.parents, strict=True)
    if parent not in _FRAMES and parent != child
}
"""Joint with one bone -> its end."""
_SIDES = ("left", "right")
LIMB_JOINTS = tuple(
    f"{side}_{joint}" for side in _SIDES for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
)
_TRUNK = tuple(f"{side}_{joint}" for side in _SIDES for joint in ("hip", "shoulder"))
_FOLLOWED = tuple(f"{side}_{joint}" for side in _SIDES for joint in ("collar", "shoulder", "elbow", "hip", "knee"))
"""Joints whose bones end where the photograph shows a joint."""
_PARENT = dict(zip(SMPL24.joints, SMPL24.parents, strict=True))
_LEVELS = [
    sorted((SMPL24.joints[joint] for joint in level), key=lambda joint: joint not in _FOLLOWED)
    for level in levels(tuple(SMPL24.index(parent) for parent in SMPL24.parents))
]
"""Joints of equal depth in the tree, those that are followed first."""
_ORDER = [joint for level in _LEVELS for joint in level]
_LONG = tuple(
    (f"{side}_{first}", f"{side}_{second}")
    for side in _SIDES
    for first, second in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)
_SMALL = 1e-6
_ROUNDS = 5
"""Of putting joints where a camera with perspective shows them."""
_UNSURE = 0.1
"""Metres: how far out of the picture's plane a bone must point for its side of the plane to be known."""
_NEAREST = 0.3
"""Of a joint, as a share of the pelvis's distance from the camera."""


class Placed(NamedTuple):
    """A pose whose limbs are where the joints are, and the camera that shows it so."""

    rotations: Float[Tensor, "batch 24 3 3"]
    """Relative to the parent."""
    joints: Float[Tensor, "batch 24 3"]
    """Metres, without translation."""
    scale: Float[Tensor, " batch"]
    """Crop pixels a metre, as far away as the pelvis."""
    shift: Float[Tensor, "batch 2"]
    """Crop pixels: a joint at (X, Y, Z) appears at scale (X, Y) + shift, were it as far away as the pelvis."""


class PosePrior(nn.Module):
    """Poses that agree with a backbone's joints; all of a camera that looks straight at the crop.

    Args:
        body: whose bones are turned.
    """

    rest: Tensor
    rest_directions: Tensor

    def __init__(self, body: BodyModel) -> None:
        super().__init__()
        self.parents = body.parents
        regressor = body.joint_regressor(SMPL29.name)
        directions = torch.einsum("jv,vck->jck", regressor, body.shapedirs)
        self.register_buffer("rest", (regressor @ body.v_template).float(), persistent=False)
        self.register_buffer("rest_directions", directions.float(), persistent=False)

    def start(self, known: KnownJoints) -> Float[Tensor, "batch 24 3 3"]:
        """Rotations relative to the parent, of a body of average shape, from the joints alone; in float32."""
        with full_precision(known.depth):
            seen = self._points(known)
            world = self._trunk(self.rest.expand_as(seen), seen)
            for level in _LEVELS:
                new = [joint for joint in level if joint not in world]
                for joint in new:
                    world[joint] = world[_PARENT[joint]]
                turned = [joint for joint in new if joint in _CHILD]
                if turned:
                    ends = [_CHILD[joint] for joint in turned]
                    above = torch.stack([world[joint] for joint in turned], 1)
                    bones = above @ _unit(_bones(self.rest, turned, ends)).unsqueeze(-1)
                    right = _rotated(above, bones.squeeze(-1), _unit(_bones(seen, turned, ends)))
                    world |= dict(zip(turned, right.unbind(1), strict=True))
            return to_relative(_stacked(world), self.parents)

    def follow(
        self,
        rotations: Float[Tensor, "batch 24 3 3"],
        betas: Float[Tensor, "batch 10"],
        known: KnownJoints,
        crop_size: int,
        focal: Float[Tensor, " batch"] | None = None,
    ) -> Placed:
        """A pose, turned so that trunk and limbs have the backbone's x and y; which way they point in depth is its own.

        Args:
            rotations: relative to the parent.
            betas: shape.
            known: joints of the crop.
            crop_size: pixels.
            focal: length of the crop's camera in halves of the crop; without one, all joints are equally far away.
        """
        with full_precision(betas):
            rest = self.rest + torch.einsum("jck,bk->bjc", self.rest_directions, betas)
            middle = crop_size / 2
            order = [OPEN36.index(joint) for joint in SMPL24.joints]
            pixels = known.cells[:, order] * STRIDE - middle
            rotations = rotations.float()
            world = to_absolute(rotations, self.parents)
            own = pose_joints(world, rest[:, : len(SMPL24)], self.parents, absolute=True)
            body = _Body(own, world[:, 0], _steps(rotations, rest))
            placed = self._placed(body, pixels)
            if focal is None:
                return placed._replace(shift=placed.shift + middle)
            for _ in range(_ROUNDS):  # farther joints are further out than they appear
                deep = (placed.joints - placed.joints[:, :1])[..., 2]
                farther = 1 + deep * placed.scale[:, None] / (focal[:, None] * middle)
                placed = self._placed(body, pixels * farther.clamp(min=_NEAREST).unsqueeze(-1))
            return placed._replace(shift=placed.shift + middle)

    def _placed(self, body: _Body, pixels: Float[Tensor, "batch 24 2"]) -> Placed:
        own = body.joints
        scale = (_spread(pixels) / _spread(own[..., :2]).clamp(min=_SMALL)).clamp(min=_SMALL)
        wanted = pixels / scale[:, None, None]
        turn = self._turned_trunk(own, wanted)
        trunk = own[:, :1] + (own - own[:, :1]) @ turn.mT
        offset = _mean(trunk[..., :2], _TRUNK) - _mean(wanted, _TRUNK)
        posed, world = _limbs(own[:, :1], turn @ body.orientation, body.steps, wanted + offset[:, None])
        shift = _mean(pixels, LIMB_JOINTS) - scale[:, None] * _mean(posed[..., :2], LIMB_JOINTS)
        return Placed(to_relative(world, self.parents), posed, scale, shift)

    def _points(self, known: KnownJoints) -> Float[Tensor, "batch 29 3"]:
        """Joints in metres; a pixel is so wide that the limbs have, together, their usual length."""
        order = [OPEN36.index(joint) for joint in SMPL29.joints]
        across, deep = known.cells[:, order] * STRIDE, known.depth[:, order]
        points = torch.cat([across, deep.unsqueeze(-1)], -1)
        bones = torch.stack([_bone(points, *limb) for limb in _LONG], 1)
        lengths = torch.stack([_bone(self.rest, *limb) for limb in _LONG]).square().sum()
        left = (lengths - bones[..., 2].square().sum(1)).clamp(min=0.2 * lengths)
        size = (left / bones[..., :2].square().sum((1, 2)).clamp(min=1.0)).sqrt()
        return torch.cat([across * size[:, None, None], deep.unsqueeze(-1)], -1)

    def _trunk(self, rest: Tensor, seen: Float[Tensor, "batch 29 3"]) -> dict[str, Tensor]:
        """Rotations of pelvis, chest, head and what lies between."""
        world: dict[str, Tensor] = {}
        for joint, ((a, b), (c, d)) in _FRAMES.items():
            world[joint] = (
                _frame(_bone(seen, a, b), _bone(seen, c, d)) @ _frame(_bone(rest, a, b), _bone(rest, c, d)).mT
            )
        for joint, (one, other, share) in _BETWEEN.items():
            mean = torch.lerp(world[one], world[other], share)
            world[joint] = _frame(mean[..., 0], mean[..., 1])
        return world

    def _turned_trunk(self, own: Float[Tensor, "batch 24 3"], wanted: Float[Tensor, "batch 24 2"]) -> Tensor:
        """How the whole body turns so that hips and spine have the wanted x and y, with their own depth."""
        moved = torch.cat([wanted, own[..., 2:]], -1)
        (a, b), (c, d) = _FRAMES["pelvis"]
        return _frame(_bone(moved, a, b), _bone(moved, c, d)) @ _frame(_bone(own, a, b), _bone(own, c, d)).mT


class _Step(NamedTuple):
    """Joints of equal depth in the tree, as a pose has them before it follows anything."""

    above: list[int]
    """Their parents among the joints of lesser depth."""
    ends: list[int]
    """Joints where the bones end that are followed, those of the first ones of this depth."""
    rotations: Float[Tensor, "batch joints 3 3"]
    bones: Float[Tensor, "batch joints 3"]
    """From the parents, at rest."""
    limbs: Float[Tensor, "batch followed 3"]
    """To the ends, at rest."""


class _Body(NamedTuple):
    """A pose before it follows anything."""

    joints: Float[Tensor, "batch 24 3"]
    orientation: Float[Tensor, "batch 3 3"]
    steps: list[_Step]


def _steps(rotations: Float[Tensor, "batch 24 3 3"], rest: Float[Tensor, "batch joints 3"]) -> list[_Step]:
    order = list(_LEVELS[0])
    steps: list[_Step] = []  # torch.compile does not know list[_Step]()
    for level in _LEVELS[1:]:
        parents, here = [_PARENT[joint] for joint in level], _numbers(level)
        ends = _numbers([_CHILD[joint] for joint in level if joint in _FOLLOWED])
        limbs = rest[:, ends] - rest[:, here[: len(ends)]]
        above = [order.index(parent) for parent in parents]
        steps.append(_Step(above, ends, rotations[:, here], rest[:, here] - rest[:, _numbers(parents)], limbs))
        order += level
    return steps


def _limbs(
    root: Float[Tensor, "batch 1 3"],
    orientation: Float[Tensor, "batch 3 3"],
    steps: list[_Step],
    wanted: Float[Tensor, "batch 24 2"],
) -> tuple[Float[Tensor, "batch 24 3"], Float[Tensor, "batch 24 3 3"]]:
    """Joints and rotations of the world, bones of the limbs turned to the wanted x and y."""
    posed, world = root, orientation[:, None]
    for step in steps:
        parents, followed = world[:, step.above], len(step.ends)
        joints = posed[:, step.above] + (parents @ step.bones.unsqueeze(-1)).squeeze(-1)
        turned = parents @ step.rotations
        if followed:
            limbs = turned[:, :followed]
            bones = (limbs @ step.limbs.unsqueeze(-1)).squeeze(-1)
            reach = _reaching(bones, wanted[:, step.ends] - joints[:, :followed, :2])
            turned = torch.cat([_rotated(limbs, _unit(bones), _unit(reach)), turned[:, followed:]], 1)
        posed, world = torch.cat([posed, joints], 1), torch.cat([world, turned], 1)
    back = [_ORDER.index(joint) for joint in SMPL24.joints]
    return posed[:, back], world[:, back]


def _reaching(bone: Float[Tensor, "*batch 3"], across: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
    """A bone that spans `across`, half way between its own depth and the one that its length leaves, on its side.

    With its length's depth alone, a joint that is a little off in the picture is far off in depth. A bone that lies in
    the picture's plane may have either side: it stays between them, so that no small change turns it from one to the
    other.
    """
    own = bone[..., 2]
    left = (bone.square().sum(-1) - across.square().sum(-1)).clamp(min=_SMALL).sqrt()
    return torch.cat([across, torch.lerp(own, left * torch.tanh(own / _UNSURE), 0.5).unsqueeze(-1)], -1)


def _bone(points: Float[Tensor, "*batch joints 3"], start: str, end: str) -> Float[Tensor, "*batch 3"]:
    return points[..., SMPL29.index(end), :] - points[..., SMPL29.index(start), :]


def _bones(points: Float[Tensor, "*batch joints 3"], starts: Sequence[str], ends: Sequence[str]) -> Tensor:
    first, last = ([SMPL29.index(joint) for joint in joints] for joints in (starts, ends))
    return points[..., last, :] - points[..., first, :]


def _numbers(joints: Sequence[str]) -> list[int]:
    return [SMPL24.index(joint) for joint in joints]


def _mean(points: Float[Tensor, "batch 24 dims"], joints: tuple[str, ...]) -> Float[Tensor, "batch dims"]:
    return points[:, [SMPL24.index(joint) for joint in joints]].mean(1)


def _spread(points: Float[Tensor, "batch 24 2"]) -> Float[Tensor, " batch"]:
    limbs = points[:, [SMPL24.index(joint) for joint in LIMB_JOINTS]]
    return (limbs - limbs.mean(1, keepdim=True)).square().sum((1, 2)).sqrt()


def _stacked(world: dict[str, Tensor]) -> Float[Tensor, "batch 24 3 3"]:
    return torch.stack([world[joint] for joint in SMPL24.joints], 1)


def _unit(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    return vector / vector.norm(dim=-1, keepdim=True).clamp(min=_SMALL)


def _frame(first: Float[Tensor, "*batch 3"], second: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Axes as columns: the first direction, what of the second one is at a right angle to it, and their normal."""
    x = _unit(first)
    y = _unit(second - (second * x).sum(-1, keepdim=True) * x)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)


def _rotated(
    axes: Float[Tensor, "*batch 3 3"], start: Float[Tensor, "*batch 3"], end: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 3 3"]:
    """Axes (columns) turned by the smallest rotation of one unit vector to another (Rodrigues' formula)."""
    axis, cosine = torch.linalg.cross(start, end).unsqueeze(-1), (start * end).sum(-1)[..., None, None]
    once = torch.linalg.cross(axis.expand_as(axes), axes, dim=-2)
    twice = torch.linalg.cross(axis.expand_as(axes), once, dim=-2)
    turned = axes + once + twice / (1 + cosine).clamp(min=1e-3)
    return _frame(turned[..., 0], turned[..., 1])
