"""Who stands where in which pose before which camera."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from datamodules.open_v2.poses.bank import PoseBank
from datamodules.open_v2.poses.sports import SPORTS
from datamodules.open_v2.scene.camera import Viewpoint, draw_viewpoint
from datamodules.open_v2.scene.company import draw_company
from datamodules.open_v2.scene.figure import Figure, on_ground, pose_figure
from datamodules.open_v2.scene.framing import Window, detector_box, draw_region, draw_window, in_sight
from datamodules.open_v2.turns import carried, composed
from datamodules.open_v2.types import Person, Shot
from datamodules.synthetic.rng import SPLITS

VERSION = "open-v2"
MAX_BETA = 2.5
_STREAM = 200  # apart from the streams of open-v1
_AIRBORNE = (
    "running",
    "kicking",
    "dancing",
    "jump",
    "basketball",
    "soccer",
    "kick",
    "spin",
    "dance",
    "run",
    "backflip",
)
_TRIES = 6
_LEAST = 0.5  # share of what a window shows of the subject that others must leave visible


def draw_shot(bank: PoseBank, seed: int, split: str, index: int, size: int) -> Shot:
    """Sample `index` of a split before its camera; the same for every call, process and order.

    Args:
        bank: where poses are from.
        seed: seed of the benchmark.
        split: `train`, `val` or `test`.
        index: from 0.
        size: side of the picture, pixels.

    Raises:
        ValueError: no such split, or a negative number.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    if seed < 0 or index < 0:
        raise ValueError(f"seed {seed} and index {index} must not be negative")
    key = (_STREAM, SPLITS[split], index)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
    for attempt in range(_TRIES):
        subject = draw_person(bank, rng)
        others = [] if attempt == _TRIES - 1 else draw_company(rng, subject, lambda: draw_person(bank, rng))
        region = draw_region(rng)
        shown = subject.points if region is None else subject.points[region]
        span = (0.12, 0.92) if region is None else (0.5, 0.95)
        view = draw_viewpoint(rng, shown, subject.points, span)
        window = draw_window(rng, view.project(shown), region is None)
        others = [other for other in others if _matters(other, view, window)]
        alone = in_sight(subject, [], view, window)
        seen = in_sight(subject, others, view, window)
        if seen.sum() >= _LEAST * alone.sum() and seen.sum() >= 0.12 * len(seen):
            break
    people = (_person(figure, view, rng) for figure in (subject, *others))
    box = detector_box(rng, view.project(subject.points[seen]), window, size)
    floor = view.see(np.array([*subject.points[subject.points[:, 1].argmin()]]) * [1.0, 0.0, 1.0])
    return Shot(tuple(people), window.intrinsics(size), view.world[:, 1].copy(), floor, box)


def draw_person(bank: PoseBank, rng: np.random.Generator) -> Figure:
    """Someone on the ground or in the air at the origin of the world, looking anywhere, a bit more often to +z."""
    pose, action = bank.draw(rng)
    betas = rng.normal(0, 1, 10)
    while (np.abs(betas) > MAX_BETA).any():
        betas = np.where(np.abs(betas) > MAX_BETA, rng.normal(0, 1, 10), betas)
    heading = rng.vonmises(0, 1.5) if rng.random() < 0.3 else rng.uniform(-np.pi, np.pi)
    pose[0] = composed(np.array([0.0, heading - _heading(pose), 0.0]), pose[0])
    lift = float(rng.uniform(0.03, 0.6)) if rng.random() < _air_share(action) else 0.0
    figure = pose_figure(pose, betas, action)
    centred = figure.moved(-figure.joints[0] * [1.0, 0.0, 1.0])
    return on_ground(centred, lift)


def _air_share(action: str) -> float:
    """How often people are off the ground in poses of an action."""
    source, _, name = action.partition("/")
    if source == "sport":
        return SPORTS[name].air
    return 0.3 if name.startswith(_AIRBORNE) else 0.0


def _heading(pose: Float[np.ndarray, "24 3"]) -> float:
    """Where the pelvis faces, radians about the vertical from +z."""
    left = carried(pose[0], (1.0, 0.0, 0.0))
    return float(np.arctan2(-left[2], left[0]))


def _matters(other: Figure, view: Viewpoint, window: Window) -> bool:
    """Whether a person is before the camera and in the window."""
    depth = view.see(other.points)[:, 2]
    return bool(depth.min() > 0.25 and window.inside(view.project(other.points)).any())


def _person(figure: Figure, view: Viewpoint, rng: np.random.Generator) -> Person:
    """A figure in the camera frame; SMPL turns a body about its rest root, which betas move."""
    pose = figure.pose.copy()
    pose[0] = composed(Rotation.from_matrix(view.world).as_rotvec(), pose[0])
    transl = view.see(figure.root + figure.shift) - figure.root
    return Person(pose, figure.betas, transl, figure.action, int(rng.integers(2**31)))
