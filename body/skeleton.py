"""Joint sets and conversion between them by joint name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Skeleton:
    """A named joint set.

    Attributes:
        name: identifier, e.g. `smpl24`.
        joints: joint names in array order. The same name means the same place on the body in every skeleton; a joint
            that a benchmark puts elsewhere carries a suffix (`nose_h36m`).
        parents: name of each joint's parent; the root is its own parent. They give the bones that are drawn.
        root: name of the joint that root-relative metrics subtract.

    Raises:
        ValueError: names repeat, or a parent or the root is not a joint.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[str, ...]
    root: str

    def __post_init__(self) -> None:
        if len(set(self.joints)) != len(self.joints) or len(self.parents) != len(self.joints):
            raise ValueError(f"skeleton {self.name!r}: joint names repeat, or parents and joints differ in number")
        unknown = {*self.parents, self.root} - set(self.joints)
        if unknown:
            raise ValueError(f"skeleton {self.name!r}: unknown parents or root {sorted(unknown)}")

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {joint: position for position, joint in enumerate(self.joints)}

    def index(self, joint: str) -> int:
        """Position of `joint` in the arrays.

        Raises:
            KeyError: no such joint.
        """
        if joint not in self._position:
            raise KeyError(f"skeleton {self.name!r} has no joint {joint!r}; it has {', '.join(self.joints)}")
        return self._position[joint]

    @cached_property
    def root_index(self) -> int:
        """Position of the root joint."""
        return self.index(self.root)

    @cached_property
    def parent_indices(self) -> tuple[int, ...]:
        """Position of every joint's parent."""
        return tuple(self.index(parent) for parent in self.parents)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) positions of every bone."""
        return tuple((p, c) for c, p in enumerate(self.parent_indices) if p != c)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Permutation that swaps left and right joints: `flipped[j] = joints[mirror[j]]`."""
        return tuple(self._position.get(_other_side(joint), i) for i, joint in enumerate(self.joints))

    def positions_of(self, target: Skeleton, aliases: Mapping[str, str] | None = None) -> list[int]:
        """For every joint of `target` its position here, or -1 when this skeleton does not have it.

        Args:
            target: the wanted skeleton.
            aliases: target name -> name here, for joints that a protocol declares to be the same place.
        """
        aliases = aliases or {}
        return [self._position.get(aliases.get(joint, joint), -1) for joint in target.joints]


def _other_side(joint: str) -> str:
    if joint.startswith("left_"):
        return "right_" + joint.removeprefix("left_")
    if joint.startswith("right_"):
        return "left_" + joint.removeprefix("right_")
    return joint


def convert(
    points: Float[Tensor, "*batch joints dim"],
    valid: Bool[Tensor, "*batch joints"],
    source: Skeleton,
    target: Skeleton,
    aliases: Mapping[str, str] | None = None,
) -> tuple[Float[Tensor, "*batch target dim"], Bool[Tensor, "*batch target"]]:
    """Scatter joints into another skeleton by name.

    Joints that the source does not have come out as zeros with a false mask.

    Args:
        points: coordinates in any frame and unit.
        valid: which of them are annotated.
        source: skeleton of `points`.
        target: skeleton wanted.
        aliases: see `Skeleton.positions_of`.
    """
    positions = torch.tensor(source.positions_of(target, aliases), device=points.device)
    present = positions >= 0
    picked = positions.clamp(min=0)
    mask = valid[..., picked] & present
    return points[..., picked, :] * mask.unsqueeze(-1), mask


def _tree(name: str, root: str, edges: str) -> Skeleton:
    """Build a skeleton from `joint<parent` words, in array order; a word without `<` is its own parent."""
    pairs = [([*word.split("<"), word])[:2] for word in edges.split()]
    return Skeleton(name, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs), root)


_SMPL24_TREE = """
    pelvis left_hip<pelvis right_hip<pelvis spine1<pelvis left_knee<left_hip right_knee<right_hip spine2<spine1
    left_ankle<left_knee right_ankle<right_knee spine3<spine2 left_foot<left_ankle right_foot<right_ankle neck<spine3
    left_collar<spine3 right_collar<spine3 head<neck left_shoulder<left_collar right_shoulder<right_collar
    left_elbow<left_shoulder right_elbow<right_shoulder left_wrist<left_elbow right_wrist<right_elbow
    left_hand<left_wrist right_hand<right_wrist
"""

SMPL24 = _tree("smpl24", "pelvis", _SMPL24_TREE)
"""SMPL's kinematic tree."""

SMPL29 = _tree(
    "smpl29",
    "pelvis",
    _SMPL24_TREE + "nose<head left_eye<nose right_eye<nose left_ear<left_eye right_ear<right_eye",
)
"""I2L-MeshNet's body set: SMPL's 24 joints and five points of the face."""

H36M17 = _tree(
    "h36m17",
    "pelvis_h36m",
    """
    pelvis_h36m right_hip_h36m<pelvis_h36m right_knee<right_hip_h36m right_ankle<right_knee left_hip_h36m<pelvis_h36m
    left_knee<left_hip_h36m left_ankle<left_knee torso_h36m<pelvis_h36m neck_h36m<torso_h36m nose_h36m<neck_h36m
    head_top<nose_h36m left_shoulder<neck_h36m left_elbow<left_shoulder left_wrist<left_elbow
    right_shoulder<neck_h36m right_elbow<right_shoulder right_wrist<right_elbow
    """,
)
"""Human3.6M's 17 evaluated joints."""

COCO17 = _tree(
    "coco17",
    "nose",
    """
    nose left_eye<nose right_eye<nose left_ear<left_eye right_ear<right_eye left_shoulder<left_ear
    right_shoulder<right_ear left_elbow<left_shoulder right_elbow<right_shoulder left_wrist<left_elbow
    right_wrist<right_elbow left_hip<left_shoulder right_hip<right_shoulder left_knee<left_hip right_knee<right_hip
    left_ankle<left_knee right_ankle<right_knee
    """,
)
"""COCO keypoints; they have no pelvis, so root-relative use needs another skeleton."""

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
MANO21 = Skeleton(
    "mano21",
    ("wrist", *(f"{finger}_{k}" for finger in _FINGERS for k in range(1, 5))),
    ("wrist", *("wrist" if k == 1 else f"{finger}_{k - 1}" for finger in _FINGERS for k in range(1, 5))),
    "wrist",
)
"""One hand: the wrist and four joints per finger, the last one its tip."""

SKELETONS: dict[str, Skeleton] = {s.name: s for s in (SMPL24, SMPL29, H36M17, COCO17, MANO21)}


def get_skeleton(name: str) -> Skeleton:
    """The skeleton called `name`.

    Raises:
        KeyError: no such skeleton; the message lists those there are.
    """
    if name not in SKELETONS:
        raise KeyError(f"no skeleton {name!r}; there are {', '.join(SKELETONS)}")
    return SKELETONS[name]
