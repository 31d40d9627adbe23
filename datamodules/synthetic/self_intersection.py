"""Rejects poses whose limbs go through the trunk or through each other."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24
from datamodules.synthetic.poses import Pose

_CHAIN = list(enumerate(SMPL24.parent_indices))[1:]
_J = SMPL24.index
# Segments (two joints, radius in metres) of a grown-up; forearms and shins are tested against the rest.
_TRUNK = (("pelvis", "spine2", 0.12), ("spine2", "neck", 0.115), ("neck", "head", 0.075))
_THIGHS = (("left_hip", "left_knee", 0.07), ("right_hip", "right_knee", 0.07))
_SHINS = (("left_knee", "left_ankle", 0.05), ("right_knee", "right_ankle", 0.05))
_FOREARMS = (("left_elbow", "left_hand", 0.035), ("right_elbow", "right_hand", 0.035))


_PAIRS = [(a, b) for a in _FOREARMS for b in (*_TRUNK, *_THIGHS, *_SHINS)]
_PAIRS += [(_FOREARMS[0], _FOREARMS[1]), (_SHINS[0], _SHINS[1])]
_PAIRS += [(_THIGHS[0], _SHINS[1]), (_THIGHS[1], _SHINS[0])]
_PAIRS += [(a, b) for a in _SHINS for b in _TRUNK]
_FIRST = np.array([[_J(a[0]), _J(a[1])] for a, _ in _PAIRS])
_SECOND = np.array([[_J(b[0]), _J(b[1])] for _, b in _PAIRS])
_RADII = np.array([a[2] + b[2] for a, b in _PAIRS])


def joints_of(pose: Pose, rest: Float[np.ndarray, "24 3"]) -> Float[np.ndarray, "24 3"]:
    """Joint positions of a posed body by forward kinematics, metres, root at its rest position."""
    local = Rotation.from_rotvec(pose).as_matrix()
    rotation, position = local.copy(), rest.copy()
    for joint, parent in _CHAIN:
        rotation[joint] = rotation[parent] @ local[joint]
        position[joint] = position[parent] + rotation[parent] @ (rest[joint] - rest[parent])
    return position


def intersects(joints: Float[np.ndarray, "24 3"]) -> bool:
    """Whether forearms or shins of a posed body go through something else of it."""
    return bool((segment_distances(joints[_FIRST], joints[_SECOND]) < _RADII).any())


def segment_distances(
    first: Float[np.ndarray, "pairs 2 3"], second: Float[np.ndarray, "pairs 2 3"], steps: int = 9
) -> Float[np.ndarray, " pairs"]:
    """Shortest distance between two segments, over `steps` points of the first and all points of the second."""
    t = np.linspace(0, 1, steps)[None, :, None]
    points = first[:, :1] * (1 - t) + first[:, 1:] * t
    start, along = second[:, None, 0], (second[:, 1] - second[:, 0])[:, None]
    share = np.einsum("psc,pqc->ps", points - start, along) / np.einsum("pqc,pqc->p", along, along)[:, None]
    nearest = start + share.clip(0, 1)[..., None] * along
    return np.linalg.norm(points - nearest, axis=-1).min(-1)
