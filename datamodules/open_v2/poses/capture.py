"""What every reader of captured motion gives: named points of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Capture:
    """Captured points, as `ik.fit_poses` takes them.

    Attributes:
        points: metres, y up.
        joints: joint of `SMPL24` that each rides on.
        people: who, numbered from 0.
        actions: what each pose is from, `source/action`.
    """

    points: Float[np.ndarray, "poses points 3"]
    joints: tuple[str, ...]
    people: Int[np.ndarray, " poses"]
    actions: list[str]

    def only(self, keep: Bool[np.ndarray, " poses"]) -> Capture:
        """Some of the poses, the people numbered anew."""
        people = np.unique(self.people[keep], return_inverse=True)[1].reshape(-1)
        return Capture(self.points[keep], self.joints, people, [self.actions[k] for k in np.flatnonzero(keep)])


def imbalance(points: Float[np.ndarray, "poses points 3"], joints: tuple[str, ...]) -> Float[np.ndarray, " poses"]:
    """Metres, along the ground, between the middle of a body and the feet that it stands on (0: above them).

    Slow movements whose body is far from above its feet are artefacts of the capture.
    """
    at = {name: points[:, joints.index(name)] for name in dict.fromkeys(joints)}
    weighed = ("left_hip", "right_hip", "spine2", "spine3", "neck", "left_knee", "right_knee")
    middle = np.mean([at[name] for name in weighed], 0)[:, [0, 2]]
    feet = np.stack([at[f"{side}_{part}"] for side in ("left", "right") for part in ("ankle", "foot")], 1)
    standing = feet[..., 1] < feet[..., 1].min(1, keepdims=True) + 0.2
    best = np.full(len(points), np.inf)
    for first in range(4):
        for second in range(first, 4):
            start, along = feet[:, first][:, [0, 2]], (feet[:, second] - feet[:, first])[:, [0, 2]]
            length = np.maximum((along**2).sum(1), 1e-9)
            share = (((middle - start) * along).sum(1) / length).clip(0, 1)
            miss = np.linalg.norm(middle - start - share[:, None] * along, axis=1)
            used = standing[:, first] & standing[:, second]
            best = np.where(used, np.minimum(best, miss), best)
    return best
