"""Which parts of the surface belong to which joint, for DensePose's charts and for the open body's.

Convention:
    Joints are SMPL's 24, parts count from 1, 0 is the background. A part that is kept twice really is two channels, as
    in the release.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from body.skeleton import SMPL24

PARTS = 24
"""Parts of either kind of charts."""

_SLOTS = 6


@dataclass(frozen=True)
class Charts:
    """What a network has to know of the charts that its IUV maps are in.

    Attributes:
        name: `densepose` or `open`.
        joint_parts: for every joint the parts that its simplified map keeps, one channel each.
        visible_parts: for every joint the parts of which one is at the joint where nothing hides it.
        coarse: the parts of every class of the coarse mask, the background first.
    """

    name: str
    joint_parts: tuple[tuple[int, ...], ...]
    visible_parts: tuple[tuple[int, ...], ...]
    coarse: tuple[tuple[int, ...], ...]

    def joint_channels(self, all_parts: bool = False) -> Int[Tensor, "24 slots"]:
        """Channels of the global maps that every joint keeps; all of them with `all_parts`."""
        everything = (tuple(range(1, PARTS + 1)),) * len(SMPL24)
        return torch.tensor(everything if all_parts else self.joint_parts)

    def visibility_table(self) -> Bool[Tensor, "24 25"]:
        """Whether a part (column) at the place of a joint (row) shows the joint."""
        table = torch.zeros(len(SMPL24), PARTS + 1, dtype=torch.bool)
        for joint, parts in enumerate(self.visible_parts):
            table[joint, list(parts)] = True
        return table

    def coarse_table(self) -> Int[Tensor, "25"]:
        """Class of the coarse mask of every part."""
        table = torch.zeros(PARTS + 1, dtype=torch.long)
        for label, parts in enumerate(self.coarse):
            table[list(parts)] = label
        return table


_TRUNK, _LEFT_LEG, _RIGHT_LEG = (7, 8, 9, 10, 1, 2), (8, 10, 12, 14, 5, 5), (7, 9, 11, 13, 6, 6)
_HEAD, _LEFT_ARM, _RIGHT_ARM = (1, 2, 23, 24, 23, 24), (1, 2, 15, 17, 19, 21), (1, 2, 16, 18, 20, 22)
_LEFT_HAND, _RIGHT_HAND = (15, 17, 19, 21, 4, 4), (16, 18, 20, 22, 3, 3)
_LEFT_THIGH, _RIGHT_THIGH = (1, 2, 8, 10, 12, 14), (1, 2, 7, 9, 11, 13)

_JOINT_PARTS = {
    "pelvis": _TRUNK, "left_hip": _LEFT_THIGH, "right_hip": _RIGHT_THIGH, "spine1": _TRUNK, "left_knee": _LEFT_THIGH,
    "right_knee": _RIGHT_THIGH, "spine2": _TRUNK, "left_ankle": _LEFT_LEG, "right_ankle": _RIGHT_LEG,
    "spine3": _TRUNK, "left_foot": _LEFT_LEG, "right_foot": _RIGHT_LEG, "neck": _HEAD, "left_collar": _LEFT_ARM,
    "right_collar": _RIGHT_ARM, "head": _HEAD, "left_shoulder": _LEFT_ARM, "right_shoulder": _RIGHT_ARM,
    "left_elbow": _LEFT_ARM, "right_elbow": _RIGHT_ARM, "left_wrist": _LEFT_HAND, "right_wrist": _RIGHT_HAND,
    "left_hand": _LEFT_HAND, "right_hand": _RIGHT_HAND,
}  # fmt: skip

_SEEN = {
    "pelvis": (1, 2), "left_hip": (8, 10), "right_hip": (7, 9), "spine1": (1, 2), "left_knee": (8, 10, 12, 14),
    "right_knee": (7, 9, 11, 13), "spine2": (1, 2), "left_ankle": (12, 14, 5), "right_ankle": (11, 13, 6),
    "spine3": (1, 2), "left_foot": (12, 14, 5), "right_foot": (11, 13, 6), "neck": (1, 2, 23, 24),
    "left_collar": (15, 17), "right_collar": (16, 18), "head": (23, 24), "left_shoulder": (15, 17),
    "right_shoulder": (16, 18), "left_elbow": (15, 17, 19, 21), "right_elbow": (16, 18, 20, 22),
    "left_wrist": (19, 21, 4), "right_wrist": (20, 22, 3), "left_hand": (19, 21, 4), "right_hand": (20, 22, 3),
}  # fmt: skip

DENSEPOSE = Charts(
    "densepose",
    tuple(_JOINT_PARTS[joint] for joint in SMPL24.joints),
    tuple(_SEEN[joint] for joint in SMPL24.joints),
    ((0,), (1, 2), (3,), (4,), (5,), (6,), (7, 9), (8, 10), (11, 13), (12, 14), (15, 17), (16, 18), (19, 21), (20, 22),
     (23, 24)),
)  # fmt: skip
"""DensePose's 24 charts, with the choices of the release."""


def _open_charts() -> Charts:
    """The open body's charts, whose part j + 1 is what SMPL's joint j moves."""
    parents = SMPL24.parent_indices
    children = [[child for parent, child in SMPL24.bones if parent == joint] for joint in range(len(SMPL24))]

    def near(joint: int) -> tuple[int, ...]:
        """Both sides of the joint, then what comes before and after them."""
        grandchildren = [grandchild for child in children[joint] for grandchild in children[child]]
        order = [joint, parents[joint], *children[joint], *grandchildren, parents[parents[joint]]]
        parts = [other + 1 for other in dict.fromkeys(order)][:_SLOTS]
        return tuple(parts[slot % len(parts)] for slot in range(_SLOTS))

    names = ("hand", "ankle", "hip", "knee", "shoulder", "elbow")
    stems = {"wrist": "hand", "foot": "ankle"}
    classes = ["", "trunk", "right_hand", "left_hand", "left_ankle", "right_ankle"]
    classes += [f"{side}_{name}" for name in names[2:4] for side in ("right", "left")]
    classes += [f"{side}_{name}" for name in names[4:] for side in ("left", "right")] + ["head"]
    groups: list[list[int]] = [[0], *([] for _ in classes[1:])]
    for part, joint in enumerate(SMPL24.joints, start=1):
        side, _, stem = joint.rpartition("_")
        name = f"{side}_{stems.get(stem, stem)}" if side else stem
        groups[classes.index(name if name in classes else "trunk")].append(part)
    return Charts(
        "open",
        tuple(near(joint) for joint in range(len(SMPL24))),
        tuple((joint + 1, parents[joint] + 1) for joint in range(len(SMPL24))),
        tuple(tuple(group) for group in groups),
    )


OPEN = _open_charts()
"""The open body's charts (`body.uv`)."""

CHARTS = {charts.name: charts for charts in (DENSEPOSE, OPEN)}
