"""Reads a table of joint positions of the CMU motion capture database."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.open_v2.poses.capture import Capture, imbalance

RIDES: dict[str, str] = {
    "pelvis": "pelvis",
    "left_hip": "left_hip",
    "left_knee": "left_knee",
    "left_ankle": "left_ankle",
    "left_toe": "left_foot",
    "right_hip": "right_hip",
    "right_knee": "right_knee",
    "right_ankle": "right_ankle",
    "right_toe": "right_foot",
    "upper_back": "spine1",
    "thorax": "spine2",
    "lower_neck": "spine3",
    "head": "neck",
    "head_top": "head",
    "left_shoulder": "left_shoulder",
    "left_elbow": "left_elbow",
    "left_wrist": "left_wrist",
    "right_shoulder": "right_shoulder",
    "right_elbow": "right_elbow",
    "right_wrist": "right_wrist",
}
"""Joint of the database -> joint of the open body that it rides on."""
_SLOW = ("walking", "directing_traffic", "basketball_signal")  # nobody is out of balance in these
_MOST_IMBALANCE = 0.12


def read_positions(path: Path) -> Capture:
    """The table `cmu/joints.npz`: `positions` (n, 23, 3) metres, `joints`, `action`, `sequence`.

    Poses of slow actions that would fall over are left out: the database has people whose whole body tilts for some
    frames while they turn around.

    Raises:
        ValueError: the file lacks one of its arrays or joints.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            names = [str(name) for name in data["joints"]]
            columns = [names.index(name) for name in RIDES]
            points = data["positions"].astype(np.float64)[:, columns]
            actions = [str(action) for action in data["action"]]
            people = np.unique(data["sequence"], return_inverse=True)[1].reshape(-1)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{path} is not a table of CMU's joint positions: {error}") from error
    joints = tuple(RIDES.values())
    falls = (imbalance(points, joints) > _MOST_IMBALANCE) & np.isin(actions, _SLOW)
    return Capture(points, joints, people, [f"cmu/{action}" for action in actions]).only(~falls)
