"""Reads poses of the CMU motion capture database: a table of joint positions, and the distributed `.asf` and `.amc`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

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


@dataclass(frozen=True)
class Capture:
    """Captured points, as `ik.fit_poses` takes them.

    Attributes:
        points: metres, y up.
        joints: joint of the open body that each rides on.
        people: who, numbered from 0.
        actions: what each pose is from.
    """

    points: Float[np.ndarray, "poses points 3"]
    joints: tuple[str, ...]
    people: Int[np.ndarray, " poses"]
    actions: list[str]


def read_positions(path: Path) -> Capture:
    """The table `cmu/joints.npz`: `positions` (n, 23, 3) metres, `joints`, `action`, `sequence`.

    Raises:
        ValueError: the file lacks one of its arrays or joints.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            names = [str(name) for name in data["joints"]]
            columns = [names.index(name) for name in RIDES]
            points = data["positions"].astype(np.float64)[:, columns]
            actions = [f"cmu/{action}" for action in data["action"]]
            people = np.unique(data["sequence"], return_inverse=True)[1]
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{path} is not a table of CMU's joint positions: {error}") from error
    return Capture(points, tuple(RIDES.values()), people.reshape(-1), actions)
