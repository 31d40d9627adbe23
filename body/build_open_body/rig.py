"""Which Anny bones make which SMPL joint, and how Anny's A-pose becomes SMPL's T-pose."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24

Array = np.ndarray

_CENTRE_BONES = {
    "pelvis": ("root", "spine05", "spine04"),
    "spine1": ("spine03",),
    "spine2": ("spine02",),
    "spine3": ("spine01",),
    "neck": ("neck01", "neck02", "neck03"),
    "head": ("head",),
}
_SIDE_BONES = {
    "pelvis": ("pelvis",),
    "hip": ("upperleg01", "upperleg02"),
    "knee": ("lowerleg01", "lowerleg02"),
    "ankle": ("foot",),
    "foot": ("toe",),
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01", "upperarm02"),
    "elbow": ("lowerarm01", "lowerarm02"),
    "wrist": ("wrist", "metacarpal", "finger1-1"),
    "hand": ("finger",),
    "head": ("eye",),
}
_JOINT_HEADS = {
    "hip": ("upperleg01",),
    "knee": ("lowerleg01",),
    "ankle": ("foot",),
    "foot": ("toe1-1", "toe2-1", "toe3-1", "toe4-1", "toe5-1"),
    "collar": ("clavicle", "shoulder01"),
    "shoulder": ("upperarm01",),
    "elbow": ("lowerarm01",),
    "wrist": ("wrist",),
    "hand": ("finger2-1", "finger3-1", "finger4-1", "finger5-1"),
}
_CENTRE_HEADS = {"spine1": "spine03", "spine2": "spine02", "spine3": "spine01", "neck": "neck01", "head": "head"}
_CLAVICLE_RAISE = np.deg2rad(12.0)
_LEG_SPREAD = np.deg2rad(2.5)


def smpl_joint_of_bone(bone: str) -> str:
    """Name of the SMPL joint that an Anny bone moves with.

    Raises:
        KeyError: the bone belongs to no rule; the rig is not the one this was written for.
    """
    stem, _, side = bone.partition(".")
    if not side:
        matches = [joint for joint, bones in _CENTRE_BONES.items() if stem in bones]
    else:
        candidates = [(len(prefix), j) for j, ps in _SIDE_BONES.items() for prefix in ps if stem.startswith(prefix)]
        joint = max(candidates, default=(0, ""))[1]
        centre = joint in ("pelvis", "head")
        matches = [joint if centre else f"{'left' if side == 'L' else 'right'}_{joint}"] if joint else []
    if not matches:
        raise KeyError(f"Anny bone {bone!r} has no place in the SMPL tree; build with the pinned release of anny")
    return matches[0]


def merge_weights(bones: list[str], weights: Float[Array, "vertices bones"]) -> Float[Array, "vertices 24"]:
    """Sum Anny's skinning weights over the bones of each SMPL joint."""
    merged = np.zeros((len(weights), len(SMPL24)))
    for column, bone in enumerate(bones):
        merged[:, SMPL24.index(smpl_joint_of_bone(bone))] += weights[:, column]
    return merged


def smpl_joints(bones: list[str], heads: Float[Array, "bones 3"]) -> Float[Array, "24 3"]:
    """SMPL's joints from the heads of Anny's bones (SMPL frame: y up, facing +z)."""
    at = dict(zip(bones, heads, strict=True))
    joints = {name: at[bone] for name, bone in _CENTRE_HEADS.items()}
    for side, letter in (("left", "L"), ("right", "R")):
        for name, parts in _JOINT_HEADS.items():
            joints[f"{side}_{name}"] = np.mean([at[f"{part}.{letter}"] for part in parts], axis=0)
    # SMPL's pelvis lies above the hips, where Anny's root is level with them.
    hips = (joints["left_hip"] + joints["right_hip"]) / 2
    joints["pelvis"] = np.array([hips[0], at["spine04"][1], hips[2]])
    return np.stack([joints[name] for name in SMPL24.joints])


def _turn(source: Float[Array, "3"], target: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """Smallest rotation that takes one direction to another."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis)
    if sine < 1e-12:
        return np.eye(3)
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, a @ b)).as_matrix()


def _roll(angle: float) -> Float[Array, "3 3"]:
    return Rotation.from_rotvec([angle, 0.0, 0.0]).as_matrix()


def _arm_rotations(at: dict[str, Array], letter: str) -> dict[str, Float[Array, "3 3"]]:
    """World rotations that lay one arm along x with the elbow crease forward and the palm down."""
    side = 1.0 if letter == "L" else -1.0
    out = np.array([side, 0.0, 0.0])
    shoulder, elbow, wrist = (at[f"{bone}.{letter}"] for bone in ("upperarm01", "lowerarm01", "wrist"))
    index, middle, pinky = (at[f"finger{k}-1.{letter}"] for k in (2, 3, 5))

    clavicle = Rotation.from_rotvec([0.0, 0.0, side * _CLAVICLE_RAISE]).as_matrix()
    upper = _turn(elbow - shoulder, out)
    hinge = upper @ np.cross(elbow - shoulder, wrist - elbow)
    # Bending the left elbow forward turns about -y, the right one about +y.
    swing = np.arctan2(hinge[2], hinge[1]) - np.arctan2(0.0, -side)
    upper_full = _roll(-_wrap(swing)) @ upper
    upper_half = _roll(-_wrap(swing) / 2) @ upper
    lower = _turn(upper_full @ (wrist - elbow), out) @ upper_full
    hand = _turn(lower @ (middle - wrist), out) @ lower
    across = hand @ (index - pinky)  # palm down: from the little finger to the index is forward
    twist = _wrap(-np.arctan2(-across[1], across[2]))
    return {
        "clavicle": clavicle,
        "upperarm01": upper_half,
        "upperarm02": upper_full,
        "lowerarm01": _roll(twist / 3) @ lower,
        "lowerarm02": _roll(twist * 2 / 3) @ lower,
        "wrist": _roll(twist) @ hand,
    }


def _wrap(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _leg_rotations(at: dict[str, Array], letter: str) -> dict[str, Float[Array, "3 3"]]:
    """World rotations that straighten one leg downwards and leave the foot as it stands."""
    side = 1.0 if letter == "L" else -1.0
    down = np.array([side * np.sin(_LEG_SPREAD), -np.cos(_LEG_SPREAD), 0.0])
    hip, knee, ankle = (at[f"{bone}.{letter}"] for bone in ("upperleg01", "lowerleg01", "foot"))
    return {
        "upperleg01": _turn(knee - hip, down),
        "lowerleg01": _turn(ankle - knee, down),
        "foot": np.eye(3),
    }


def t_pose(
    bones: list[str], parents: list[int], heads: Float[Array, "bones 3"]
) -> tuple[Float[Array, "bones 3 3"], Float[Array, "bones 3"]]:
    """World rotation of every bone and the new place of its head, from the A-pose to the T-pose.

    A point p that moves with bone b goes to `R[b] @ (p - heads[b]) + moved[b]`.
    """
    at = dict(zip(bones, heads, strict=True))
    wanted: dict[str, Array] = {}
    for letter in "LR":
        for stem, rotation in (_arm_rotations(at, letter) | _leg_rotations(at, letter)).items():
            wanted[f"{stem}.{letter}"] = rotation
    rotations = np.tile(np.eye(3), (len(bones), 1, 1))
    moved = heads.copy()
    for b, (bone, parent) in enumerate(zip(bones, parents, strict=True)):
        if parent < 0:
            continue
        rotations[b] = wanted.get(bone, rotations[parent])
        moved[b] = rotations[parent] @ (heads[b] - heads[parent]) + moved[parent]
    return rotations, moved
