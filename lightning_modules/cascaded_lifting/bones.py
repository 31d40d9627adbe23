"""Which joints the bone heat maps connect."""

from __future__ import annotations

from body.skeleton import Skeleton

_H36M18 = (
    ("pelvis_h36m", "right_hip_h36m"),
    ("right_hip_h36m", "right_knee"),
    ("right_knee", "right_ankle"),
    ("pelvis_h36m", "left_hip_h36m"),
    ("left_hip_h36m", "left_knee"),
    ("left_knee", "left_ankle"),
    ("pelvis_h36m", "torso_h36m"),
    ("thorax_mpii", "neck_h36m"),
    ("thorax_mpii", "nose_h36m"),
    ("neck_h36m", "head_top"),
    ("thorax_mpii", "left_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("thorax_mpii", "right_shoulder"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("pelvis_h36m", "thorax_mpii"),
)


def bones_of(skeleton: Skeleton) -> tuple[tuple[int, int], ...]:
    """(parent, child) positions of the bones: the tree of the skeleton, but for `h36m18`.

    The paper shows them in Fig. 3 alone. For `h36m18` the thorax is the hub here, as in integral regression, whose
    release the paper's baseline follows: MPII has both ends of 15 of these 17 bones, and of 13 of the tree's.
    """
    if skeleton.name != "h36m18":
        return skeleton.bones
    return tuple((skeleton.index(parent), skeleton.index(child)) for parent, child in _H36M18)
