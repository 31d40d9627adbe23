"""Poses of sports, gymnastics and rest, as ranges of joint angles; what captured walking people never do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from datamodules.synthetic.poses import Number, Pose, PoseBuilder, Range, mirror_pose

Angle = Range | Number


@dataclass(frozen=True)
class Stance:
    """Ranges of one kind of pose, degrees, written for a right-handed person.

    Attributes:
        spine: bend, twist, side; see `PoseBuilder.spine`.
        right_arm, left_arm: forward, raised, twist, elbow; see `PoseBuilder.arm`.
        right_leg, left_leg: hip, knee, spread, turn, ankle; see `PoseBuilder.leg`, the last two may be left out.
        head: nod and turn.
        root: how the body is turned before it is headed anywhere: about x (+ forward), then about z, y up.
        air: share of poses off the ground.
        weight: how often it is drawn, beside the others.
    """

    spine: tuple[Angle, Angle, Angle]
    right_arm: tuple[Angle, Angle, Angle, Angle]
    left_arm: tuple[Angle, Angle, Angle, Angle]
    right_leg: tuple[Angle, ...]
    left_leg: tuple[Angle, ...]
    head: tuple[Angle, Angle] = ((-25, 15), (-30, 30))
    root: tuple[Angle, Angle] = ((-5, 5), (-5, 5))
    air: float = 0.0
    weight: float = 1.0


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value


def _read(path: Path) -> dict[str, Stance]:
    entries = yaml.safe_load(path.read_text())
    return {name: Stance(**{key: _tuples(value) for key, value in entry.items()}) for name, entry in entries.items()}


SPORTS: dict[str, Stance] = _read(Path(__file__).with_name("sports.yaml"))
_WEIGHTS = np.array([stance.weight for stance in SPORTS.values()])
_WEIGHTS /= _WEIGHTS.sum()


def sample_sport(rng: np.random.Generator) -> tuple[Pose, str]:
    """A pose and its kind, left-handed half of the time; joint 0 keeps how the body is turned against the vertical."""
    name = str(rng.choice(list(SPORTS), p=_WEIGHTS))
    stance, builder = SPORTS[name], PoseBuilder(rng)
    builder.spine(*stance.spine)
    builder.head(*stance.head)
    builder.arm("right", *stance.right_arm)
    builder.arm("left", *stance.left_arm)
    builder.leg("right", *stance.right_leg)
    builder.leg("left", *stance.left_leg)
    pose = builder.finish()
    pitch, side = (builder.draw(bounds) for bounds in stance.root)
    pose[0] = Rotation.from_euler("xz", [pitch, side], degrees=True).as_rotvec()
    return (mirror_pose(pose) if rng.random() < 0.5 else pose), name
