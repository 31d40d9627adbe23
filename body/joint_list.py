"""Joint sets of no benchmark: a list of joints whose names are known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from body.choices import unknown_name
from body.skeleton import SKELETONS, Skeleton

SEPARATOR = "+"
"""Between the joints in the name of such a set, which so says all there is to know."""


def skeleton_of(joints: Sequence[str]) -> Skeleton:
    """The joint set with these joints in this order: a benchmark's where one has them, else one named after them.

    Bones go to the nearest joint of the list that lies above in the first benchmark's tree. The root is the list's
    pelvis, else its neck or thorax, else its first joint.

    Raises:
        ValueError: no joints, one of them twice, or one that no benchmark has.
    """
    names = tuple(joints)
    same = next((skeleton for skeleton in SKELETONS.values() if skeleton.joints == names), None)
    return same or _listed(names)


@cache
def _listed(joints: tuple[str, ...]) -> Skeleton:
    if not joints:
        raise ValueError("a joint set needs joints")
    for joint in joints:
        if joint not in known_joints():
            raise ValueError(unknown_name("joint", joint, known_joints()))
    root = next((j for stem in ("pelvis", "neck", "thorax") for j in joints if j.startswith(stem)), joints[0])
    parents = tuple(joint if joint == root else _nearest_above(joint, joints) or root for joint in joints)
    return Skeleton(SEPARATOR.join(joints), joints, parents, root)


@cache
def known_joints() -> tuple[str, ...]:
    """Every joint that a benchmark has, once."""
    return tuple(dict.fromkeys(joint for skeleton in SKELETONS.values() for joint in skeleton.joints))


def _nearest_above(joint: str, joints: tuple[str, ...]) -> str | None:
    tree = next(skeleton for skeleton in SKELETONS.values() if joint in skeleton.joints)
    while (parent := tree.parents[tree.index(joint)]) != joint:
        if parent in joints:
            return parent
        joint = parent
    return None
