"""An analytic guess of a pose from joint positions, from which the fit starts."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.shading import unit
from body.skeleton import SMPL24

Vectors = Float[np.ndarray, "poses 3"]

NEEDED = (
    *("pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot"),
    *("right_foot", "spine3", "neck", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
    *("left_wrist", "right_wrist"),
)
_J = SMPL24.index
_STRAIGHT = 0.12  # below this sine of its bend the plane of a limb says little about its twist
_FOOT = np.array([0.01, -0.05, 0.142])  # from the ankle to the ball of the foot in the T-pose


def starting_pose(
    points: Float[np.ndarray, "poses points 3"], joints: tuple[str, ...]
) -> Float[np.ndarray, "poses 24 3"]:
    """Poses whose bones have the directions of the points.

    Pelvis and chest are frames of three points; the spine shares the difference. Upper arms and thighs turn about
    themselves so that elbow and knee bend as hinges; straight limbs keep the twist of the shortest way from the T-pose.

    Raises:
        ValueError: one of `NEEDED` is not among `joints`.
    """
    missing = [name for name in NEEDED if name not in joints]
    if missing:
        raise ValueError(f"the fit needs points on {', '.join(missing)}")
    at = {name: np.asarray(points[:, joints.index(name)], np.float64) for name in NEEDED}
    pose = np.zeros((len(points), 24, 3))
    pelvis = _frame(at["left_hip"] - at["right_hip"], at["spine3"] - at["pelvis"])
    chest = _frame(at["left_shoulder"] - at["right_shoulder"], at["neck"] - at["pelvis"])
    pose[:, _J("pelvis")] = pelvis.as_rotvec()
    third = (pelvis.inv() * chest).as_rotvec() / 3
    for joint in ("spine1", "spine2", "spine3"):
        pose[:, _J(joint)] = third
    nod = _swing(np.array([0.0, 0.95, 0.3]), chest.inv().apply(at["head"] - at["neck"])).as_rotvec() / 2
    pose[:, _J("neck")], pose[:, _J("head")] = nod, nod
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _arm(pose, at, side, sign, chest)
        _leg(pose, at, side, pelvis)
    return pose


def _arm(
    pose: Float[np.ndarray, "poses 24 3"], at: dict[str, Vectors], side: str, sign: float, chest: Rotation
) -> None:
    upper = unit(chest.inv().apply(at[f"{side}_elbow"] - at[f"{side}_shoulder"]))
    fore = unit(chest.inv().apply(at[f"{side}_wrist"] - at[f"{side}_elbow"]))
    rest = _swing(np.array([sign, 0.0, 0.0]), upper).apply([0.0, 0.0, 1.0])
    across = fore - _dot(fore, upper) * upper
    turn = _axes(sign * upper, across + _STRAIGHT * rest)
    pose[:, _J(f"{side}_shoulder")] = turn.as_rotvec()
    pose[:, _J(f"{side}_elbow"), 1] = -sign * np.arccos(_dot(fore, upper)[:, 0].clip(-1, 1))


def _leg(pose: Float[np.ndarray, "poses 24 3"], at: dict[str, Vectors], side: str, pelvis: Rotation) -> None:
    thigh = unit(pelvis.inv().apply(at[f"{side}_knee"] - at[f"{side}_hip"]))
    shin = unit(pelvis.inv().apply(at[f"{side}_ankle"] - at[f"{side}_knee"]))
    foot = pelvis.inv().apply(at[f"{side}_foot"] - at[f"{side}_ankle"])
    rest = _swing(np.array([0.0, -1.0, 0.0]), thigh).apply([0.0, 0.0, 1.0])
    ahead = unit(foot - _dot(foot, thigh) * thigh)
    across = -(shin - _dot(shin, thigh) * thigh)
    forward = unit(across + _STRAIGHT * (rest + ahead))
    side_axis = unit(np.cross(-thigh, forward))
    turn = _matrix(side_axis, -thigh, np.cross(side_axis, -thigh))
    pose[:, _J(f"{side}_hip")] = turn.as_rotvec()
    bend = np.zeros((len(pose), 3))
    bend[:, 0] = np.arccos(_dot(shin, thigh)[:, 0].clip(-1, 1))
    pose[:, _J(f"{side}_knee")] = bend
    below = (turn * Rotation.from_rotvec(bend)).inv()
    pose[:, _J(f"{side}_ankle")] = _swing(_FOOT, below.apply(foot)).as_rotvec()


def _dot(a: Vectors, b: Vectors) -> Float[np.ndarray, "poses 1"]:
    return np.asarray(np.einsum("pc,pc->p", a, b)[:, None])


def _matrix(x: Vectors, y: Vectors, z: Vectors) -> Rotation:
    return Rotation.from_matrix(np.stack([x, y, z], -1))


def _axes(x: Vectors, z_hint: Vectors) -> Rotation:
    """The rotation whose x axis is given and whose z axis is as near to the hint as can be."""
    y = unit(np.cross(z_hint, x))
    return _matrix(x, y, np.cross(x, y))


def _frame(x: Vectors, y_hint: Vectors) -> Rotation:
    """The rotation whose x axis is given and whose y axis is as near to the hint as can be."""
    x = unit(x)
    z = unit(np.cross(x, y_hint))
    return _matrix(x, np.cross(z, x), z)


def _swing(start: Float[np.ndarray, "3"], end: Vectors) -> Rotation:
    """The shortest rotation from one direction to others."""
    a, b = unit(start[None]).repeat(len(end), 0), unit(end)
    axis = np.cross(a, b)
    angle = np.arctan2(np.linalg.norm(axis, axis=-1), _dot(a, b)[:, 0])
    return Rotation.from_rotvec(unit(axis) * angle[:, None])
