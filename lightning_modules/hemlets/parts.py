"""Which joints make the parts whose depth order HEMlets encode, and in how many maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from body.skeleton import Skeleton
from lightning_modules.hemlets.config import Encoding

DEFAULT_PARTS: tuple[tuple[str, str], ...] = (
    ("pelvis_h36m", "right_hip_h36m"),
    ("right_hip_h36m", "right_knee"),
    ("right_knee", "right_ankle"),
    ("pelvis_h36m", "left_hip_h36m"),
    ("left_hip_h36m", "left_knee"),
    ("left_knee", "left_ankle"),
    ("pelvis_h36m", "thorax_mpii"),
    ("neck_h36m", "head_top"),
    ("thorax_mpii", "right_shoulder"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("thorax_mpii", "left_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
)
"""(parent, child) of the 14 parts, by name.

Neither paper nor release lists them. These have both ends among MPII's joints, as the FBI labels need, and leave out
the short one from thorax to neck.
"""

STATES: Mapping[Encoding, int] = {"hemlets": 3, "5s": 5, "2s": 3}
"""Encoding -> maps per part."""


@dataclass(frozen=True)
class Parts:
    """The parts of a skeleton.

    Attributes:
        parents: joint index of every part's parent.
        children: joint index of its child.
        encoding: see `HemletsConfig`.
    """

    parents: tuple[int, ...]
    children: tuple[int, ...]
    encoding: Encoding = "hemlets"

    def __len__(self) -> int:
        return len(self.parents)

    @property
    def states(self) -> int:
        """Maps per part."""
        return STATES[self.encoding]

    @property
    def maps(self) -> int:
        """Maps of all parts, part by part, from far children to near ones."""
        return len(self) * self.states


def make_parts(
    skeleton: Skeleton, pairs: Sequence[Sequence[str]] | None = None, encoding: Encoding = "hemlets"
) -> Parts:
    """Parts of a skeleton by joint names.

    Args:
        skeleton: has the joints.
        pairs: (parent, child) names; `DEFAULT_PARTS` when omitted.
        encoding: see `HemletsConfig`.

    Raises:
        ValueError: not two joints of the skeleton.
    """
    chosen = DEFAULT_PARTS if pairs is None else pairs
    for pair in chosen:
        if len(pair) != 2 or not set(pair) <= set(skeleton.joints):
            raise ValueError(f"part {list(pair)} is not a pair of joints of {skeleton.name}; set parts")
    return Parts(
        tuple(skeleton.index(parent) for parent, _ in chosen),
        tuple(skeleton.index(child) for _, child in chosen),
        encoding,
    )
