"""Sparse joint regressors, landmarks and joint sets of the open body."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import nnls

from body.skeleton import COCO17, H36M17, SMPL24, SMPL29, Skeleton

Array = np.ndarray
_SLAB = 0.03  # half thickness of the ring of skin around a joint, m
_REACH = 0.22
_POSITION_WEIGHT, _SUM_WEIGHT, _SPREAD_WEIGHT = 10.0, 30.0, 0.01
_ACROSS = {"pelvis": 1, "left_hip": 1, "spine3": 1, "neck": 1, "head": 1, "left_ankle": 1, "left_foot": 2}


def _ring(
    joint: int, points: Float[Array, "vertices 3"], joints: Float[Array, "24 3"], weights: Float[Array, "vertices 24"]
) -> Int[Array, " candidates"]:
    """Vertices of the slice through a joint, across the limb, that move with the joint or its parent."""
    parents = SMPL24.parent_indices
    children = [child for parent, child in SMPL24.bones if parent == joint]
    end = joints[children].mean(0) if children else joints[joint]
    along = _ACROSS.get(SMPL24.joints[joint], int(np.abs(end - joints[parents[joint]]).argmax()))
    offset = points - joints[joint]
    moves = weights[:, joint] + weights[:, parents[joint]] > 0.2
    return np.flatnonzero((np.abs(offset[:, along]) < _SLAB) & (np.linalg.norm(offset, axis=1) < _REACH) & moves)


def fit_joints(
    shapes: Float[Array, "bases vertices 3"],
    joints: Float[Array, "bases 24 3"],
    weights: Float[Array, "vertices 24"],
    mirror: Int[Array, " vertices"],
) -> Float[Array, "24 vertices"]:
    """Non-negative weights over a ring of skin around each joint that reproduce it in every shape.

    A small ridge term spreads the weights over the ring, so that noise in predicted vertices averages out.

    Args:
        shapes: the template and the shape directions (metres per unit coefficient).
        joints: the same for the joints.
        weights: skinning weights, which say what skin belongs to a joint.
        mirror: left-right partner of each vertex.
    """
    fitted = np.zeros((len(SMPL24), shapes.shape[1]))
    for j, name in enumerate(SMPL24.joints):
        if name.startswith("right_"):
            continue
        ring = _ring(j, shapes[0], joints[0], weights)
        system = [
            shapes[:, ring].transpose(0, 2, 1).reshape(-1, len(ring)) * _POSITION_WEIGHT,
            np.full((1, len(ring)), _SUM_WEIGHT),
            np.eye(len(ring)) * np.sqrt(len(ring)) * _SPREAD_WEIGHT,
        ]
        wanted = [joints[:, j].ravel() * _POSITION_WEIGHT, np.array([_SUM_WEIGHT]), np.zeros(len(ring))]
        row = np.zeros(shapes.shape[1])
        row[ring] = nnls(np.concatenate(system), np.concatenate(wanted))[0]
        if not name.startswith("left_"):
            row = (row + row[mirror]) / 2
        row[row < 1e-4] = 0.0
        fitted[j] = row / row.sum()
        if name.startswith("left_"):
            fitted[SMPL24.mirror[j]] = fitted[j][mirror]
    return fitted


def find_landmarks(
    points: Float[Array, "vertices 3"],
    weights: Float[Array, "vertices 24"],
    mirror: Int[Array, " vertices"],
    left_eye: int,
) -> dict[str, int]:
    """Vertices of named places, by their extreme position in the T-posed template."""
    x, y, z = points.T
    part = weights.argmax(axis=1)
    middle = mirror == np.arange(len(mirror))
    head, toes, ankle = (part == SMPL24.index(name) for name in ("head", "left_foot", "left_ankle"))
    inner = toes & (x < np.median(x[toes]))

    def extreme(value: Array, among: Array) -> int:
        return int(np.flatnonzero(among)[value[among].argmax()])

    left = {
        "eye": left_eye,
        "ear": extreme(x, head & (np.abs(y - y[left_eye]) < 0.05)),
        "big_toe": extreme(z, inner),
        "heel": extreme(-z, ankle & (y < np.quantile(y[ankle], 0.25))),
    }
    sides = {f"left_{k}": v for k, v in left.items()} | {f"right_{k}": int(mirror[v]) for k, v in left.items()}
    return {"nose": extreme(z, head & middle), "head_top": extreme(y, head & middle)} | dict(sorted(sides.items()))


_H36M = {
    "pelvis_h36m": {"left_hip": 0.5, "right_hip": 0.5},
    "left_hip_h36m": {"left_hip": 1.0},
    "right_hip_h36m": {"right_hip": 1.0},
    "torso_h36m": {"spine2": 1.0},
    "neck_h36m": {"neck": 1.0},
    "nose_h36m": {"head": 0.4, "nose": 0.6},
}


def joint_sets(
    regressor: Float[Array, "24 vertices"], landmarks: dict[str, int]
) -> dict[str, Float[Array, "joints vertices"]]:
    """Regressors of SMPL29, Human3.6M's 17 and COCO's 17 joints.

    Human3.6M's own markers are approximated by the combinations in `_H36M`; no motion capture of it was used.
    """
    rows = dict(zip(SMPL24.joints, regressor, strict=True))
    for name, vertex in landmarks.items():
        rows[name] = np.zeros(regressor.shape[1])
        rows[name][vertex] = 1.0
    for name, mix in _H36M.items():
        rows[name] = np.sum([rows[source] * share for source, share in mix.items()], axis=0)

    def stacked(skeleton: Skeleton) -> Float[Array, "joints vertices"]:
        return np.stack([rows[joint] for joint in skeleton.joints])

    return {skeleton.name: stacked(skeleton) for skeleton in (SMPL29, H36M17, COCO17)}
