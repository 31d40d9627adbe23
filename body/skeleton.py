"""Joint sets and conversion between them by joint name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from body.choices import unknown_name


@dataclass(frozen=True)
class Skeleton:
    """A named joint set.

    Attributes:
        name: identifier, e.g. `smpl24`.
        joints: joint names in array order. The same name means the same point of the body in every skeleton; a joint
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
            aliases: target name -> name here, for joints that a protocol declares to be the same point.
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

_H36M17_TREE = """
    pelvis_h36m right_hip_h36m<pelvis_h36m right_knee<right_hip_h36m right_ankle<right_knee left_hip_h36m<pelvis_h36m
    left_knee<left_hip_h36m left_ankle<left_knee torso_h36m<pelvis_h36m neck_h36m<torso_h36m nose_h36m<neck_h36m
    head_top<nose_h36m left_shoulder<neck_h36m left_elbow<left_shoulder left_wrist<left_elbow
    right_shoulder<neck_h36m right_elbow<right_shoulder right_wrist<right_elbow
"""

H36M17 = _tree("h36m17", "pelvis_h36m", _H36M17_TREE)
"""Human3.6M's 17 evaluated joints."""

H36M18 = _tree(
    "h36m18",
    "pelvis_h36m",
    _H36M17_TREE.replace("neck_h36m<torso_h36m", "neck_h36m<thorax_mpii") + "thorax_mpii<torso_h36m",
)
"""Human3.6M's 17 joints and MPII's thorax, which there is the midpoint of the shoulders."""

_COCO17_TREE = """
    nose left_eye<nose right_eye<nose left_ear<left_eye right_ear<right_eye left_shoulder<left_ear
    right_shoulder<right_ear left_elbow<left_shoulder right_elbow<right_shoulder left_wrist<left_elbow
    right_wrist<right_elbow left_hip<left_shoulder right_hip<right_shoulder left_knee<left_hip right_knee<right_hip
    left_ankle<left_knee right_ankle<right_knee
"""

COCO17 = _tree("coco17", "nose", _COCO17_TREE)
"""COCO keypoints; they have no pelvis, so root-relative use needs another skeleton."""

COCO19 = _tree(
    "coco19",
    "pelvis_coco",
    _COCO17_TREE.replace("nose left_eye", "nose<thorax_mpii left_eye") + "pelvis_coco thorax_mpii<pelvis_coco",
)
"""COCO's keypoints, the midpoint of the hips (I2L-MeshNet) and that of the shoulders (RootNet)."""

HUMANEVA15 = _tree(
    "humaneva15",
    "pelvis_humaneva",
    """
    pelvis_humaneva thorax_humaneva<pelvis_humaneva left_shoulder<thorax_humaneva left_elbow<left_shoulder
    left_wrist<left_elbow right_shoulder<thorax_humaneva right_elbow<right_shoulder right_wrist<right_elbow
    left_hip_humaneva<pelvis_humaneva left_knee<left_hip_humaneva left_ankle<left_knee
    right_hip_humaneva<pelvis_humaneva right_knee<right_hip_humaneva right_ankle<right_knee
    head_humaneva<thorax_humaneva
    """,
)
"""HumanEva-I's 15 joints, from the ends of its motion-capture segments."""

MPI_INF_3DHP28 = _tree(
    "mpi_inf_3dhp28",
    "pelvis_mpi",
    """
    spine3_mpi<spine2_mpi spine4_mpi<spine3_mpi spine2_mpi<spine_mpi spine_mpi<pelvis_mpi pelvis_mpi
    neck_mpi<spine4_mpi head_mpi<neck_mpi head_top<head_mpi left_clavicle_mpi<neck_mpi
    left_shoulder<left_clavicle_mpi left_elbow<left_shoulder left_wrist<left_elbow left_hand_mpi<left_wrist
    right_clavicle_mpi<neck_mpi right_shoulder<right_clavicle_mpi right_elbow<right_shoulder right_wrist<right_elbow
    right_hand_mpi<right_wrist left_hip_mpi<pelvis_mpi left_knee<left_hip_mpi left_ankle<left_knee
    left_foot_mpi<left_ankle left_toe_mpi<left_foot_mpi right_hip_mpi<pelvis_mpi right_knee<right_hip_mpi
    right_ankle<right_knee right_foot_mpi<right_ankle right_toe_mpi<right_foot_mpi
    """,
)
"""Every joint of MPI-INF-3DHP's training annotations."""

_MPI_INF_3DHP17_TREE = """
    head_top<neck_mpi neck_mpi<spine_mpi right_shoulder<neck_mpi right_elbow<right_shoulder right_wrist<right_elbow
    left_shoulder<neck_mpi left_elbow<left_shoulder left_wrist<left_elbow right_hip_mpi<pelvis_mpi
    right_knee<right_hip_mpi right_ankle<right_knee left_hip_mpi<pelvis_mpi left_knee<left_hip_mpi
    left_ankle<left_knee pelvis_mpi spine_mpi<pelvis_mpi head_mpi<neck_mpi
"""

MPI_INF_3DHP17 = _tree("mpi_inf_3dhp17", "pelvis_mpi", _MPI_INF_3DHP17_TREE)
"""The 17 evaluated joints of MPI-INF-3DHP's test set and of MuPoTS-3D, in their order."""

MUCO21 = _tree(
    "muco21",
    "pelvis_mpi",
    _MPI_INF_3DHP17_TREE
    + """
    right_hand_mpi<right_wrist left_hand_mpi<left_wrist right_toe_mpi<right_ankle left_toe_mpi<left_ankle
    """,
)
"""MuCo-3DHP as 3DMPPE distributes it: the 17 evaluated joints, hands and toes."""

LSP14 = _tree(
    "lsp14",
    "neck_lsp",
    """
    right_ankle<right_knee right_knee<right_hip_lsp right_hip_lsp<neck_lsp left_hip_lsp<neck_lsp
    left_knee<left_hip_lsp left_ankle<left_knee right_wrist<right_elbow right_elbow<right_shoulder
    right_shoulder<neck_lsp left_shoulder<neck_lsp left_elbow<left_shoulder left_wrist<left_elbow neck_lsp
    head_top<neck_lsp
    """,
)
"""Leeds Sports Pose's 14 joints; they have no pelvis."""

MPII16 = _tree(
    "mpii16",
    "pelvis_mpii",
    """
    right_ankle<right_knee right_knee<right_hip_mpii right_hip_mpii<pelvis_mpii left_hip_mpii<pelvis_mpii
    left_knee<left_hip_mpii left_ankle<left_knee pelvis_mpii thorax_mpii<pelvis_mpii neck_mpii<thorax_mpii
    head_top<neck_mpii right_wrist<right_elbow right_elbow<right_shoulder right_shoulder<thorax_mpii
    left_shoulder<thorax_mpii left_elbow<left_shoulder left_wrist<left_elbow
    """,
)
"""MPII Human Pose's 16 joints."""

SPIN24 = _tree(
    "spin24",
    "pelvis_mpii",
    """
    right_ankle<right_knee right_knee<right_hip_lsp right_hip_lsp<pelvis_mpii left_hip_lsp<pelvis_mpii
    left_knee<left_hip_lsp left_ankle<left_knee right_wrist<right_elbow right_elbow<right_shoulder
    right_shoulder<thorax_mpii left_shoulder<thorax_mpii left_elbow<left_shoulder left_wrist<left_elbow
    neck_lsp<thorax_mpii head_top<neck_lsp pelvis_mpii thorax_mpii<torso_h36m torso_h36m<pelvis_mpii
    nose_h36m<neck_lsp head_h36m<nose_h36m nose<head_top left_eye<nose right_eye<nose left_ear<left_eye
    right_ear<right_eye
    """,
)
"""The 24 slots of SPIN's annotation files: joints of LSP, MPII, Human3.6M and COCO."""


def _filled_from(source: str, renamed: dict[str, str]) -> Skeleton:
    """SPIN's slots as one benchmark fills them: the joint that each slot really holds."""
    names = {joint: renamed.get(joint, joint) for joint in SPIN24.joints}
    parents = tuple(names[parent] for parent in SPIN24.parents)
    return Skeleton(f"spin24_{source}", tuple(names.values()), parents, names[SPIN24.root])


def _suffixed(suffix: str) -> dict[str, str]:
    return {f"{side}_hip_lsp": f"{side}_hip{suffix}" for side in ("left", "right")} | {"neck_lsp": f"neck{suffix}"}


_HEAD = {"head_top": "head_lsp", "head_h36m": "head_top"}  # the head's top lies in another slot, LSP's is empty
SPIN24_H36M = _filled_from("h36m", _HEAD | _suffixed("_h36m") | {"pelvis_mpii": "pelvis_h36m"})
"""What Human3.6M's joints are in SPIN's slots."""
SPIN24_MPI = _filled_from(
    "mpi",
    _HEAD | _suffixed("_mpi") | {"pelvis_mpii": "pelvis_mpi", "torso_h36m": "spine_mpi", "nose_h36m": "head_mpi"},
)
"""What MPI-INF-3DHP's joints are in SPIN's slots."""
SPIN24_MPII = _filled_from("mpii", _suffixed("_mpii"))
"""What MPII's joints are in SPIN's slots."""
SPIN24_COCO = _filled_from("coco", {"left_hip_lsp": "left_hip", "right_hip_lsp": "right_hip"})
"""What COCO's keypoints are in SPIN's slots."""

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
MANO21 = Skeleton(
    "mano21",
    ("wrist", *(f"{finger}_{k}" for finger in _FINGERS for k in range(1, 5))),
    ("wrist", *("wrist" if k == 1 else f"{finger}_{k - 1}" for finger in _FINGERS for k in range(1, 5))),
    "wrist",
)
"""One hand: the wrist and four joints per finger, the last one its tip."""


def _union(name: str, *skeletons: Skeleton) -> Skeleton:
    """Every joint of some skeletons once; parents are those of the first one that says, and its root is above all."""
    root = skeletons[0].root
    parents = {j: p for s in reversed(skeletons) for j, p in zip(s.joints, s.parents, strict=True)}
    joints = tuple(dict.fromkeys(j for s in skeletons for j in s.joints))
    return Skeleton(name, joints, tuple(root if parents[j] == j else parents[j] for j in joints), root)


OPEN36 = _union("open36", SMPL29, H36M17, COCO17)
"""Every joint that the open body has: annotations of the open benchmark carry all of them."""

SKELETONS: dict[str, Skeleton] = {
    s.name: s
    for s in (
        *(SMPL24, SMPL29, H36M17, H36M18, COCO17, COCO19, HUMANEVA15),
        *(MPI_INF_3DHP28, MPI_INF_3DHP17, MUCO21, LSP14, MPII16, MANO21, OPEN36),
        *(SPIN24, SPIN24_H36M, SPIN24_MPI, SPIN24_MPII, SPIN24_COCO),
    )
}


def get_skeleton(name: str) -> Skeleton:
    """The skeleton called `name`; joints with `+` between them name the set of these (`body.joint_list`).

    Raises:
        KeyError: no such skeleton; the message lists those there are.
        ValueError: a list with a joint that no skeleton has.
    """
    if "+" in name:
        from body.joint_list import skeleton_of

        return skeleton_of(name.split("+"))
    if name not in SKELETONS:
        raise KeyError(unknown_name("skeleton", name, SKELETONS))
    return SKELETONS[name]
