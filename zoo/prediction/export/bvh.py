"""A person's motion as a BioVision hierarchy (BVH)."""

from __future__ import annotations

import warnings

import numpy as np

from body.skeleton import SMPL24
from zoo.prediction.export.motion import BODIES, Motion, make_chain

_ORDER = "ZXY"


def bvh_text(motion: Motion) -> str:
    """Skeleton and frames; metres and degrees to a millionth, y up (see `rig.FRAME`).

    The skeleton is the shaped body in its T-pose, so it needs no shape coefficients; joints are named as SMPL's, the
    root of the open body `open_pelvis`, since that body is not SMPL. Rotations are about z, then x, then y of the
    turned joint. The root's offset is zero and its position channels are its place. Ends of the hands, feet and the
    head lie half a bone beyond the last joint.
    """
    chain = make_chain(motion)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gimbal lock")  # any angles of the rotation do
        angles = [np.unwrap(turn.as_euler(_ORDER), axis=0) for turn in chain.rotations]
    order: list[int] = []
    lines = ["HIERARCHY", *_joint_lines(0, chain.rest, BODIES[motion.body][0], order)]
    lines += ["MOTION", f"Frames: {len(motion.pose)}", f"Frame Time: {1 / motion.fps:.8f}"]
    values = np.concatenate([chain.root, *(np.degrees(angles[joint]) for joint in order)], 1)
    lines += [" ".join(f"{value:.6f}" for value in row) for row in values.tolist()]
    return "\n".join(lines) + "\n"


def _joint_lines(joint: int, rest: np.ndarray, family: str, order: list[int], depth: int = 0) -> list[str]:
    """A joint and everything below it; `order` gets the joints as their channels follow each other."""
    order.append(joint)
    parent, tab = SMPL24.parent_indices[joint], "  " * depth
    bone = rest[joint] - rest[parent]
    rotations = " ".join(f"{axis}rotation" for axis in _ORDER)
    if joint:
        lines = [f"{tab}JOINT {SMPL24.joints[joint]}", f"{tab}{{", f"{tab}  {_offset(bone)}"]
        lines.append(f"{tab}  CHANNELS 3 {rotations}")
    else:
        name = SMPL24.joints[0] if family == "smpl" else f"{family}_{SMPL24.joints[0]}"
        lines = [f"ROOT {name}", "{", f"  {_offset(bone)}"]
        lines.append(f"  CHANNELS 6 Xposition Yposition Zposition {rotations}")
    children = [k for k, p in enumerate(SMPL24.parent_indices) if p == joint and k != joint]
    for child in children:
        lines += _joint_lines(child, rest, family, order, depth + 1)
    if not children:
        lines += [f"{tab}  End Site", f"{tab}  {{", f"{tab}    {_offset(bone / 2)}", f"{tab}  }}"]
    return [*lines, f"{tab}}}"]


def _offset(vector: np.ndarray) -> str:
    return "OFFSET " + " ".join(f"{value:.6f}" for value in vector.tolist())
