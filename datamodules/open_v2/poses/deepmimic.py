"""Reads motion clips of the DeepMimic humanoid (`humanoid3d_*.txt`), whose joints are turned as SMPL's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24

_J = SMPL24.index
# The humanoid looks along +x with its right at +z, SMPL's body along +z with its left at +x; y is up in both.
_AXES = Rotation.from_matrix([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
# A frame is its duration, the root's place, and per joint a quaternion (w, x, y, z) or one angle about z.
_BALLS = {"root": 4, "chest": 8, "neck": 12, "right_hip": 16, "right_ankle": 21, "right_shoulder": 25}
_BALLS |= {"left_hip": 30, "left_ankle": 35, "left_shoulder": 39}
_HINGES = {"right_knee": 20, "right_elbow": 29, "left_knee": 34, "left_elbow": 43}
_NUMBERS = 44


def read_clip(path: Path) -> Float[np.ndarray, "frames 24 3"]:
    """SMPL poses of a clip; joint 0 is the orientation in a world with y up.

    The humanoid's arms hang down where SMPL's point sideways, its chest is one joint where SMPL's spine is three.

    Raises:
        ValueError: this is not a clip of the humanoid.
    """
    try:
        frames = np.asarray(json.loads(path.read_text())["Frames"], np.float64)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} is not a DeepMimic motion clip: {error}") from error
    if frames.ndim != 2 or frames.shape[1] != _NUMBERS:
        raise ValueError(f"{path} is not a clip of the DeepMimic humanoid: frames of {_NUMBERS} numbers are expected")
    turns = {name: _AXES * _ball(frames, start) * _AXES.inv() for name, start in _BALLS.items()}
    angles = {name: frames[:, column] for name, column in _HINGES.items()}
    pose = np.zeros((len(frames), 24, 3))
    pose[:, _J("pelvis")] = turns["root"].as_rotvec()
    for joint in ("spine1", "spine2", "spine3"):
        pose[:, _J(joint)] = turns["chest"].as_rotvec() / 3
    for joint in ("neck", "head"):
        pose[:, _J(joint)] = turns["neck"].as_rotvec() / 2
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[:, _J(f"{side}_hip")] = turns[f"{side}_hip"].as_rotvec()
        pose[:, _J(f"{side}_ankle")] = turns[f"{side}_ankle"].as_rotvec()
        pose[:, _J(f"{side}_knee"), 0] = -angles[f"{side}_knee"]
        hanging = Rotation.from_euler("z", -sign * np.pi / 2)
        pose[:, _J(f"{side}_shoulder")] = (turns[f"{side}_shoulder"] * hanging).as_rotvec()
        pose[:, _J(f"{side}_elbow"), 1] = -sign * angles[f"{side}_elbow"]
    return pose


def _ball(frames: Float[np.ndarray, "frames numbers"], start: int) -> Rotation:
    return Rotation.from_quat(np.roll(frames[:, start : start + 4], -1, axis=1))
