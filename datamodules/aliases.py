"""Joints of different benchmarks that authors take for the same joint, where they train on several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from body.choices import check_choice
from body.skeleton import SPIN24, Skeleton

JointRule = Literal["by_name", "spin", "h36m_mpii", "muco_coco"]

SAME_JOINTS: dict[JointRule, Mapping[str, tuple[str, ...]]] = {
    # 3DMPPE and I2L-MeshNet: by the benchmarks' own names, which are the same where positions differ by centimetres
    "by_name": {
        "pelvis": ("pelvis_h36m", "pelvis_mpi", "pelvis_coco"),
        "left_hip": ("left_hip_h36m", "left_hip_mpi"),
        "right_hip": ("right_hip_h36m", "right_hip_mpi"),
        "spine1": ("torso_h36m",),
        "spine2": ("spine_mpi",),
        "neck": ("neck_h36m",),
        "head": ("head_mpi",),
        "nose": ("nose_h36m",),
        "left_hand": ("left_hand_mpi",),
        "right_hand": ("right_hand_mpi",),
        "left_foot": ("left_toe_mpi",),
        "right_foot": ("right_toe_mpi",),
    },
    # SPIN and DaNet: every benchmark's joints have the same slots
    "spin": {
        "left_hip": ("left_hip_h36m", "left_hip_mpi", "left_hip_lsp", "left_hip_mpii"),
        "right_hip": ("right_hip_h36m", "right_hip_mpi", "right_hip_lsp", "right_hip_mpii"),
        "left_hip_lsp": ("left_hip_h36m", "left_hip_mpi", "left_hip_mpii", "left_hip"),
        "right_hip_lsp": ("right_hip_h36m", "right_hip_mpi", "right_hip_mpii", "right_hip"),
        "neck_lsp": ("neck_h36m", "neck_mpi", "neck_mpii"),
        "pelvis_mpii": ("pelvis_h36m", "pelvis_mpi"),
        "torso_h36m": ("spine_mpi",),
        "nose_h36m": ("head_mpi",),
    },
    # HEMlets: Human3.6M's and MPII's joints made one set of 18 (section 3.3)
    "h36m_mpii": {
        "pelvis_h36m": ("pelvis_mpii",),
        "left_hip_h36m": ("left_hip_mpii",),
        "right_hip_h36m": ("right_hip_mpii",),
        "neck_h36m": ("neck_mpii",),
    },
    # Cascaded Dimension-Lifting: COCO's joints beside MuCo's, as 3DMPPE matches them
    "muco_coco": {
        "neck_mpi": ("thorax_mpii",),
        "pelvis_mpi": ("pelvis_coco",),
        "left_hip_mpi": ("left_hip",),
        "right_hip_mpi": ("right_hip",),
    },
}
"""Rule -> joint of the batches -> joints of a benchmark that may stand for it, the first one that is there."""


def same_joints(rule: JointRule | None, source: Skeleton, target: Skeleton) -> dict[str, str]:
    """Aliases for `Skeleton.positions_of`: joint of `target` that `source` does not have -> joint of `source`.

    Raises:
        ValueError: no such rule.
    """
    if rule is None:
        return {}
    check_choice("same_joints", rule, SAME_JOINTS)
    if rule == "spin" and source.name.startswith(SPIN24.name) and target.name == SPIN24.name:
        return dict(zip(target.joints, source.joints, strict=True))  # SPIN's own files: slot by slot
    own = set(source.joints)
    found = {joint: [name for name in names if name in own] for joint, names in SAME_JOINTS[rule].items()}
    return {joint: names[0] for joint, names in found.items() if names and joint in target.joints and joint not in own}
