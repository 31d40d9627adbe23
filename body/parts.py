"""Part labels of a body at 1, 3, 6, 12 and 24 parts.

Label 0 is background. At 24 parts the label is SMPL's joint index + 1. The coarser sets merge those by joint name:

* 12: Neural Body Fitting's classes in its order (Omran et al. 2018). The authors' own vertex labels cut some parts
  differently (they give the upper third of the thighs to the lower torso); these follow the joints.
* 6: UPi-S1h's classes in its order (Lassner et al. 2017), where the shoulders belong to the torso.
* 3: head, torso with arms, legs. Neural Body Fitting names no such set; this one is ours.
* 1: the silhouette.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, UInt8

from body.skeleton import SMPL24

PART_COUNTS = (1, 3, 6, 12, 24)
"""The granularities there are."""

_NAMES: dict[int, tuple[str, ...]] = {
    1: ("body",),
    3: ("head", "torso_and_arms", "legs"),
    6: ("head", "torso", "right_arm", "left_arm", "right_leg", "left_leg"),
    12: (
        "head",
        "upper_torso",
        "left_lower_arm",
        "right_upper_arm",
        "left_upper_leg",
        "right_upper_leg",
        "neck",
        "lower_torso",
        "left_upper_arm",
        "right_lower_arm",
        "left_lower_leg",
        "right_lower_leg",
    ),
    24: SMPL24.joints,
}

# Joint without its side -> part without its side, at 12, 6 and 3 parts.
_MERGE = {
    "pelvis": ("lower_torso", "torso", "torso_and_arms"),
    "spine1": ("lower_torso", "torso", "torso_and_arms"),
    "spine2": ("upper_torso", "torso", "torso_and_arms"),
    "spine3": ("upper_torso", "torso", "torso_and_arms"),
    "neck": ("neck", "torso", "torso_and_arms"),
    "head": ("head", "head", "head"),
    "collar": ("upper_arm", "torso", "torso_and_arms"),
    "shoulder": ("upper_arm", "arm", "torso_and_arms"),
    "elbow": ("lower_arm", "arm", "torso_and_arms"),
    "wrist": ("lower_arm", "arm", "torso_and_arms"),
    "hand": ("lower_arm", "arm", "torso_and_arms"),
    "hip": ("upper_leg", "leg", "legs"),
    "knee": ("lower_leg", "leg", "legs"),
    "ankle": ("lower_leg", "leg", "legs"),
    "foot": ("lower_leg", "leg", "legs"),
}


def part_names(parts: int) -> tuple[str, ...]:
    """Names of labels 1, 2, ...; label 0 is the background.

    Raises:
        ValueError: there is no set of so many parts.
    """
    if parts not in _NAMES:
        raise ValueError(f"no set of {parts} parts; there are {', '.join(map(str, PART_COUNTS))}")
    return _NAMES[parts]


def merge_table(parts: int) -> UInt8[np.ndarray, "25"]:
    """Table from the 24-part labels to coarser ones.

    Use it as `coarse = merge_table(6)[fine]`.

    Raises:
        ValueError: there is no set of so many parts.
    """
    names = part_names(parts)
    table = np.zeros(len(SMPL24) + 1, dtype=np.uint8)
    for label, joint in enumerate(SMPL24.joints, start=1):
        side, _, stem = joint.partition("_")
        stem = stem or joint
        if parts == 24:
            part = joint
        elif parts == 1:
            part = "body"
        else:
            part = _MERGE[stem][(12, 6, 3).index(parts)]
        table[label] = 1 + names.index(part if part in names else f"{side}_{part}")
    return table


def swap_table(parts: int) -> UInt8[np.ndarray, " labels"]:
    """Table that swaps left and right labels.

    Use it on a mirrored image: `flipped = swap_table(6)[labels[:, ::-1]]`.

    Raises:
        ValueError: there is no set of so many parts.
    """
    names = part_names(parts)
    swapped = [name.replace("left_", "R_").replace("right_", "left_").replace("R_", "right_") for name in names]
    return np.array([0, *(1 + names.index(name) for name in swapped)], dtype=np.uint8)


def vertex_parts(weights: Float[np.ndarray, "vertices 24"], parts: int = 24) -> UInt8[np.ndarray, " vertices"]:
    """Label of every vertex: the joint with the largest skinning weight, merged to `parts` parts.

    Raises:
        ValueError: there is no set of so many parts.
    """
    return merge_table(parts)[np.argmax(weights, axis=1) + 1]


def face_parts(
    weights: Float[np.ndarray, "vertices 24"], faces: Int[np.ndarray, "faces 3"], parts: int = 24
) -> UInt8[np.ndarray, " faces"]:
    """Label of every face: the joint with the largest weight summed over its corners, merged to `parts` parts.

    Raises:
        ValueError: there is no set of so many parts.
    """
    return merge_table(parts)[np.argmax(weights[faces].sum(axis=1), axis=1) + 1]
