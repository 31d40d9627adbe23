"""What of a person a picture is about, the square window cut from the photograph around it, and the detector's box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from body.skeleton import SMPL24
from datamodules.open_v2.scene.camera import Viewpoint
from datamodules.open_v2.scene.figure import Figure, point_joints

_J = SMPL24.index
_SIDES = ("left", "right")
_LEGS = {_J(f"{side}_{part}") for side in _SIDES for part in ("knee", "ankle", "foot")}
_THIGHS = {_J(f"{side}_hip") for side in _SIDES}
_FEET = {_J(f"{side}_{part}") for side in _SIDES for part in ("ankle", "foot")}
_FOREARMS = {_J(f"{side}_{part}") for side in _SIDES for part in ("elbow", "wrist", "hand")}
_HEAD = {_J("neck"), _J("head")}
# What is left out of the picture, and how often.
_CUTS: tuple[tuple[set[int], float], ...] = (
    (_LEGS | _THIGHS | {_J("pelvis")}, 0.28),  # half-length
    (_LEGS, 0.17),  # to the knees
    (_FEET, 0.2),  # to the shins
    (_LEGS | _THIGHS | _FOREARMS | {_J("pelvis"), _J("spine1")}, 0.15),  # bust
    (_HEAD | _FOREARMS, 0.06),  # without the head
    ({joint for joint in range(24) if SMPL24.joints[joint].startswith("left_")}, 0.07),
    ({joint for joint in range(24) if SMPL24.joints[joint].startswith("right_")}, 0.07),
)
_PATCH = 0.045  # metres around a point of a figure that its body covers, about
CUT_SHARE = 0.3
"""Share of pictures that do not show the whole person."""


@dataclass(frozen=True)
class Window:
    """A square of the image plane at distance one."""

    corner: Float[np.ndarray, "2"]
    side: float

    def intrinsics(self, size: int) -> Float[np.ndarray, "3 3"]:
        """The camera matrix of a picture of it with `size` pixels a side (pixel centres at integers)."""
        focal = size / self.side
        x, y = -self.corner * focal - 0.5
        return np.array([[focal, 0, x], [0, focal, y], [0, 0, 1.0]])

    def inside(self, plane: Float[np.ndarray, "*points 2"]) -> Bool[np.ndarray, "*points"]:
        """Which points of the image plane it shows."""
        return np.asarray(((plane > self.corner) & (plane < self.corner + self.side)).all(-1))


def draw_region(rng: np.random.Generator) -> Bool[np.ndarray, " points"] | None:
    """Which points of the subject the picture is about; None for all of it."""
    if rng.random() >= CUT_SHARE:
        return None
    absent = _CUTS[int(rng.choice(len(_CUTS), p=[weight for _, weight in _CUTS]))][0]
    return ~np.isin(point_joints(), list(absent))


def draw_window(rng: np.random.Generator, plane: Float[np.ndarray, "points 2"], whole: bool) -> Window:
    """A window around points of the image plane: with room around whole people, tight around parts of them."""
    low, high = plane.min(0), plane.max(0)
    share = rng.uniform(0.45, 0.8) if whole else rng.uniform(0.8, 1.08)
    side = float((high - low).max() / share)
    room = (side - (high - low)).clip(0) / 2 * (0.7 if whole else 0.4)
    centre = (low + high) / 2 + rng.uniform(-1, 1, 2) * room
    return Window(centre - side / 2, side)


def in_sight(subject: Figure, others: list[Figure], view: Viewpoint, window: Window) -> Bool[np.ndarray, " points"]:
    """Which points of the subject are in the window and not behind another person (about)."""
    depth = view.see(subject.points)[:, 2].astype(np.float32)
    plane = view.project(subject.points).astype(np.float32)
    shown = window.inside(plane) & (depth > 0.1)
    for other in others:
        seen = view.see(other.points)
        front = seen[:, 2] > 0.1
        if not front.any():
            continue
        blocks = seen[front].astype(np.float32)
        there = blocks[:, :2] / blocks[:, 2:]
        apart = (plane**2).sum(1)[:, None] + (there**2).sum(1) - 2 * plane @ there.T
        reach = np.float32(_PATCH) / blocks[:, 2]
        covers = (apart < reach**2) & (blocks[:, 2] < depth[:, None] - 0.02)
        shown &= ~covers.any(1)
    return np.asarray(shown)


def detector_box(
    rng: np.random.Generator, plane: Float[np.ndarray, "points 2"], window: Window, size: int
) -> Float[np.ndarray, "4"]:
    """(x, y, width, height) in pixels around visible points as a detector draws it: a little off, never outside."""
    scale = size / window.side
    pixels = (plane - window.corner) * scale - 0.5
    low, high = pixels.min(0), pixels.max(0)
    extent = np.maximum(high - low, 2.0)
    slip = rng.normal(0, 0.1 if rng.random() < 0.08 else 0.025, (2, 2)).clip(-0.2, 0.2)
    low, high = low - (0.01 + slip[0]) * extent, high + (0.01 + slip[1]) * extent
    if rng.random() < 0.05:  # a limb is left out
        side = int(rng.integers(2))
        cut = rng.uniform(0.06, 0.15) * extent[side]
        low[side], high[side] = (low[side] + cut, high[side]) if rng.random() < 0.5 else (low[side], high[side] - cut)
    low, high = low.clip(-0.5, size - 0.5), high.clip(-0.5, size - 0.5)
    return np.concatenate([low, np.maximum(high - low, 1.0)])
