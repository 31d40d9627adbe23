"""The open body as a few hundred points: enough to place, frame and separate people quickly, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from body.open_body import read_open_body
from body.skeleton import SMPL24

_CHAIN = list(enumerate(SMPL24.parent_indices))[1:]
_STEP = 9  # every ninth vertex
_J = SMPL24.index
# Segments (from joint, to joint, radius in metres) of a dressed grown-up.
_SEGMENTS: tuple[tuple[str, str, float], ...] = (
    ("pelvis", "spine2", 0.155),
    ("spine2", "neck", 0.15),
    ("neck", "head_end", 0.13),
    ("left_hip", "left_knee", 0.095),
    ("right_hip", "right_knee", 0.095),
    ("left_knee", "left_ankle", 0.07),
    ("right_knee", "right_ankle", 0.07),
    ("left_ankle", "left_toes", 0.06),
    ("right_ankle", "right_toes", 0.06),
    ("left_shoulder", "left_elbow", 0.07),
    ("right_shoulder", "right_elbow", 0.07),
    ("left_elbow", "left_wrist", 0.06),
    ("right_elbow", "right_wrist", 0.06),
    ("left_wrist", "left_fingers", 0.06),
    ("right_wrist", "right_fingers", 0.06),
)
# Ends of the body: beyond the second joint as seen from the first by a share of their distance.
_ENDS: dict[str, tuple[str, str, float]] = {
    "head_end": ("neck", "head", 0.9),
    "left_toes": ("left_ankle", "left_foot", 0.45),
    "right_toes": ("right_ankle", "right_foot", 0.45),
    "left_fingers": ("left_wrist", "left_hand", 0.7),
    "right_fingers": ("right_wrist", "right_hand", 0.7),
}
_PLACES = [*SMPL24.joints, *_ENDS]
_FROM = np.array([_PLACES.index(start) for start, _, _ in _SEGMENTS])
_TO = np.array([_PLACES.index(end) for _, end, _ in _SEGMENTS])
_ROOTS = np.array([_J(root) for root, _, _ in _ENDS.values()])
_LAST = np.array([_J(last) for _, last, _ in _ENDS.values()])
_BEYOND = np.array([share for _, _, share in _ENDS.values()])[:, None]
_RADII = np.array([radius for _, _, radius in _SEGMENTS])


@dataclass(frozen=True)
class Figure:
    """A posed person in the world (y up, ground at 0), metres.

    Attributes:
        pose: SMPL pose; joint 0 turns the body in the world.
        betas: shape coefficients.
        root: where the root joint is before pose and shift.
        shift: what was added to the posed body.
        points: some of the vertices.
        joints: of `SMPL24`.
        action: where the pose is from.
    """

    pose: Float[np.ndarray, "24 3"]
    betas: Float[np.ndarray, "10"]
    root: Float[np.ndarray, "3"]
    shift: Float[np.ndarray, "3"]
    points: Float[np.ndarray, "points 3"]
    joints: Float[np.ndarray, "24 3"]
    action: str

    def moved(self, by: Float[np.ndarray, "3"]) -> Figure:
        """The same person somewhere else."""
        shift, points, joints = self.shift + by, self.points + by, self.joints + by
        return Figure(self.pose, self.betas, self.root, shift, points, joints, self.action)


@cache
def _body() -> dict[str, Float[np.ndarray, "..."]]:
    data = read_open_body()
    marks = np.array(list(data["landmarks"].values()))
    keep = np.unique(np.concatenate([np.arange(0, len(data["v_template"]), _STEP), marks]))
    regressor = data["J_regressor"]
    return {
        "points": np.asarray(data["v_template"], np.float64)[keep],
        "shapes": np.asarray(data["shapedirs"], np.float64)[keep],
        "joints": np.asarray(regressor @ data["v_template"], np.float64),
        "joint_shapes": np.einsum("jv,vcs->jcs", regressor, data["shapedirs"]).astype(np.float64),
        "weights": np.asarray(data["weights"], np.float64)[keep],
    }


@cache
def point_joints() -> Int[np.ndarray, " points"]:
    """The joint of `SMPL24` that moves each point of a figure most."""
    return np.asarray(_body()["weights"].argmax(1))


def pose_figure(pose: Float[np.ndarray, "24 3"], betas: Float[np.ndarray, "10"], action: str) -> Figure:
    """A person whose root joint is where the T-pose has it (linear blend skinning, as `BodyModel`)."""
    body = _body()
    rest = body["joints"] + body["joint_shapes"] @ betas
    local = Rotation.from_rotvec(pose).as_matrix()
    turned, joints = local.copy(), rest.copy()
    for joint, parent in _CHAIN:
        turned[joint] = turned[parent] @ local[joint]
        joints[joint] = joints[parent] + turned[parent] @ (rest[joint] - rest[parent])
    offset = joints - np.einsum("jab,jb->ja", turned, rest)
    blended = (body["weights"] @ turned.reshape(24, 9)).reshape(-1, 3, 3)
    points = body["points"] + body["shapes"] @ betas
    points = np.einsum("pab,pb->pa", blended, points) + body["weights"] @ offset
    return Figure(pose, betas, rest[0], np.zeros(3), points, joints, action)


def on_ground(figure: Figure, lift: float = 0.0) -> Figure:
    """The figure with its lowest point at height `lift`."""
    return figure.moved(np.array([0.0, lift - figure.points[:, 1].min(), 0.0]))


def gaps(figure: Figure, others: list[Figure], shifts: Float[np.ndarray, "shifts 3"]) -> Float[np.ndarray, " shifts"]:
    """Metres of air between a figure and others if it were moved by each of `shifts`; negative where they overlap.

    Limbs and trunk are capsules around the bones.
    """
    first = _segments(figure)
    second = np.concatenate([_segments(other) for other in others])
    radii = _RADII[:, None] + np.tile(_RADII, len(others))
    t = np.linspace(0, 1, 6)[:, None]
    points = first[:, None, 0] * (1 - t) + first[:, None, 1] * t
    start, along = second[:, 0], second[:, 1] - second[:, 0]
    length = np.maximum(np.einsum("kc,kc->k", along, along), 1e-9)
    # all products of the shifted points follow from those of the points where they are
    offset = points[:, :, None] - start  # segments, t, k, 3
    off = (offset * along).sum(-1) + (shifts @ along.T)[:, None, None]
    squared = np.square(offset).sum(-1) + np.square(shifts).sum(-1)[:, None, None, None]
    squared += 2 * (shifts @ offset.reshape(-1, 3).T).reshape(off.shape)
    share = (off / length).clip(0, 1)
    distance = np.sqrt(np.maximum(squared - share * (2 * off - share * length), 0).min(2))
    return np.asarray((distance - radii).min((1, 2)))


def _segments(figure: Figure) -> Float[np.ndarray, "segments 2 3"]:
    joints = figure.joints
    places = np.concatenate([joints, joints[_LAST] + _BEYOND * (joints[_LAST] - joints[_ROOTS])])
    return np.stack([places[_FROM], places[_TO]], 1)
