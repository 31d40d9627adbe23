"""Makes new poses of captured ones: the arms of one on the legs of another, and noise."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24
from datamodules.open_v2.poses.ik import rest_joints
from datamodules.open_v2.turns import carried
from datamodules.synthetic.self_intersection import intersects, joints_of

Pose = Float[np.ndarray, "24 3"]

_J = SMPL24.index
_ARMS = [
    _J(f"{side}_{part}") for side in ("left", "right") for part in ("collar", "shoulder", "elbow", "wrist", "hand")
]
_UPPER = [*_ARMS, _J("neck"), _J("head")]
_TRUNK = [_J("spine1"), _J("spine2"), _J("spine3")]
_MATCH = np.deg2rad(30)  # trunks may differ by this for limbs to be exchanged
# Standard deviations of the noise, degrees per component; elbows and knees only bend.
_NOISE = {"neck": 7.0, "head": 6.0, "wrist": 9.0, "shoulder": 5.0, "hip": 3.5, "ankle": 3.0, "collar": 2.0, "foot": 1.0}
_SPREAD = np.deg2rad(
    [[_NOISE.get(joint.removeprefix("left_").removeprefix("right_"), 1.5)] * 3 for joint in SMPL24.joints]
)
_SPREAD[0] = np.deg2rad([2.5, 0.0, 2.5])
for _side in ("left", "right"):
    _SPREAD[_J(f"{_side}_elbow")] = np.deg2rad([14.0, 8.0, 0.0])  # x turns the palm
    _SPREAD[_J(f"{_side}_knee")] = np.deg2rad([5.0, 0.0, 0.0])
_SPREAD.setflags(write=False)
_EASE, _EASES = np.deg2rad(3.0), 5
_STRONGEST = 2.2  # standard deviations at which the noise is cut


def mixed(pose: Pose, donors: Iterable[Pose]) -> Pose:
    """The pose with arms and head of the first donor whose trunk leans and bends alike; else the pose itself."""
    for donor in donors:
        lean = np.arccos(np.clip(_up(pose) @ _up(donor), -1, 1))
        if lean < _MATCH and np.linalg.norm(pose[_TRUNK].sum(0) - donor[_TRUNK].sum(0)) < _MATCH:
            pose = pose.copy()
            pose[_UPPER] = donor[_UPPER]
            return pose
    return pose


def _up(pose: Pose) -> Float[np.ndarray, "3"]:
    """Where up is for the pelvis."""
    return np.array(carried(-pose[0], (0.0, 1.0, 0.0)))


def varied(pose: Pose, rng: np.random.Generator) -> Pose:
    """The pose with noise on every joint; elbows and knees stay within their range."""
    noise = Rotation.from_rotvec(rng.normal(0, 1, (24, 3)).clip(-_STRONGEST, _STRONGEST) * _SPREAD)
    new = (Rotation.from_rotvec(pose) * noise).as_rotvec()
    for side, sign in (("left", -1.0), ("right", 1.0)):
        knee, elbow = _J(f"{side}_knee"), _J(f"{side}_elbow")
        new[knee, 0] = new[knee, 0].clip(0, 2.6)
        new[elbow, 1] = sign * (sign * new[elbow, 1]).clip(0, 2.6)
    return np.asarray(new)


def eased(pose: Pose) -> Pose:
    """The pose with its arms spread by up to 15 degrees until the hands are out of the thighs.

    Captured people are narrower than the open body. Poses that do not come free this way stay as they are.
    """
    spread = pose.copy()
    for _ in range(_EASES + 1):
        if not intersects(joints_of(spread, rest_joints())):
            return spread
        for side, sign in (("left", 1.0), ("right", -1.0)):
            shoulder = _J(f"{side}_shoulder")
            lift = Rotation.from_rotvec([0.0, 0.0, sign * _EASE])
            spread[shoulder] = (lift * Rotation.from_rotvec(spread[shoulder])).as_rotvec()
    return pose
