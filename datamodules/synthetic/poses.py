"""Named actions as distributions over SMPL poses.

Convention:
    Poses are SMPL axis-angles, (24, 3) radians, of a body that faces +z with y up and its left towards +x. Joint 0 is
    left at zero here: the scene rotates the body. Left-side angles are written down; the right side is their mirror
    image (x, -y, -z). Hip flexion is -x, knee flexion +x, bending the spine forward +x, left elbow flexion -y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24

Pose = Float[np.ndarray, "24 3"]
Number = int | float
Range = tuple[Number, Number]

_MIRROR = np.array(SMPL24.mirror)
_SIGN = np.array([1.0, -1.0, -1.0])

# Bounds of the axis-angle components in degrees, left side and middle, ((x), (y), (z)). Shoulders and hips have none:
# their actions bound them, because component-wise limits mean little for large rotations about two axes.
_LIMITS: dict[str, tuple[Range, Range, Range]] = {
    "spine1": ((-20, 40), (-20, 20), (-20, 20)),
    "spine2": ((-15, 35), (-20, 20), (-15, 15)),
    "spine3": ((-15, 25), (-20, 20), (-15, 15)),
    "neck": ((-30, 35), (-40, 40), (-20, 20)),
    "head": ((-25, 25), (-35, 35), (-15, 15)),
    "left_knee": ((0, 145), (-8, 8), (-6, 6)),
    "left_ankle": ((-30, 45), (-15, 15), (-15, 15)),
    "left_foot": ((-20, 10), (-5, 5), (-5, 5)),
    "left_collar": ((-8, 8), (-20, 15), (-10, 30)),
    "left_elbow": ((-60, 60), (-145, 0), (-12, 12)),
    "left_wrist": ((-30, 30), (-25, 25), (-60, 60)),
    "left_hand": ((-5, 5), (-5, 5), (-20, 10)),
}
_NOISE_DEGREES = {"knee": 5.0, "foot": 2.0, "collar": 2.0, "hand": 4.0, "wrist": 10.0, "neck": 8.0, "head": 7.0}
_NOISE = [next((v for k, v in _NOISE_DEGREES.items() if joint.endswith(k)), 4.0) / 1.5 for joint in SMPL24.joints]
_SIDE = np.array([_SIGN if joint.startswith("right_") else np.ones(3) for joint in SMPL24.joints])


def _bounds() -> tuple[Pose, Pose]:
    """Least and most of every component, radians, of joints as if they were on the left side."""
    low, high = np.full((24, 3), -np.inf), np.full((24, 3), np.inf)
    for joint, degrees in _LIMITS.items():
        index = SMPL24.index(joint)
        for place in {index, SMPL24.mirror[index]}:
            low[place], high[place] = np.deg2rad(np.array(degrees, float)).T
    return low, high


_LOW, _HIGH = _bounds()


def mirror_pose(pose: Pose) -> Pose:
    """The pose of the mirror image: sides swapped, y and z of every axis-angle negated."""
    return pose[_MIRROR] * _SIGN


@dataclass
class PoseBuilder:
    """Sets joints of one pose in degrees; ranges are sampled uniformly."""

    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.pose = np.zeros((24, 3))

    def draw(self, bounds: Range | Number) -> float:
        """A number from a range, or the number itself."""
        return float(self.rng.uniform(*bounds)) if isinstance(bounds, tuple) else float(bounds)

    def add(self, joint: str, x: Range | Number = 0, y: Range | Number = 0, z: Range | Number = 0) -> None:
        """Add an axis-angle in degrees, written for the left side."""
        angles = np.deg2rad([self.draw(x), self.draw(y), self.draw(z)])
        self.pose[SMPL24.index(joint)] += angles * (_SIGN if joint.startswith("right_") else 1.0)

    def spine(self, bend: Range | Number, twist: Range | Number = (-12, 12), side: Range | Number = (-8, 8)) -> None:
        """Bend forward (+), turn and lean, shared by the three spine joints."""
        bend, twist, side = self.draw(bend), self.draw(twist), self.draw(side)
        for joint, share in (("spine1", 0.4), ("spine2", 0.35), ("spine3", 0.25)):
            self.add(joint, bend * share, twist * share, side * share)

    def head(self, nod: Range | Number = (-15, 20), turn: Range | Number = (-45, 45)) -> None:
        """Nod (+ looks down) and turn, shared by neck and head."""
        nod, turn = self.draw(nod), self.draw(turn)
        self.add("neck", nod * 0.5, turn * 0.5)
        self.add("head", nod * 0.5, turn * 0.5, (-6, 6))

    def arm(
        self, side: str, forward: Range | Number, raised: Range | Number, twist: Range | Number, elbow: Range | Number
    ) -> None:
        """Point the upper arm and bend the elbow.

        Args:
            side: `left` or `right`.
            forward: 0 points sideways, 90 forward, in the horizontal plane.
            raised: -90 points down, 0 is level, 90 up.
            twist: turn about the upper arm; + lifts the bent forearm.
            elbow: flexion, 0 is straight.
        """
        forward, raised, twist = self.draw(forward), self.draw(raised), self.draw(twist)
        shrug = np.clip(raised * 0.25, -3, 20)  # the shoulder blade takes part of a lift
        turn = Rotation.from_euler("YZX", [-forward, raised - shrug, -twist], degrees=True)
        degrees = np.rad2deg(turn.as_rotvec())
        self.add(f"{side}_collar", z=shrug)
        self.add(f"{side}_shoulder", *degrees)
        self.add(f"{side}_elbow", y=-self.draw(elbow))

    def leg(
        self,
        side: str,
        hip: Range | Number,
        knee: Range | Number,
        spread: Range | Number = (0, 10),
        turn: Range | Number = (-5, 20),
        ankle: Range | Number = (-8, 8),
    ) -> None:
        """Flex hip and knee; `spread` moves the leg outwards, `turn` points the toes outwards."""
        hip, spread, turn = self.draw(hip), self.draw(spread), self.draw(turn)
        degrees = np.rad2deg(Rotation.from_euler("ZXY", [spread, -hip, turn], degrees=True).as_rotvec())
        self.add(f"{side}_hip", *degrees)
        self.add(f"{side}_knee", self.draw(knee))
        self.add(f"{side}_ankle", self.draw(ankle))

    def hanging_arm(self, side: str) -> None:
        """An arm at rest beside the body."""
        self.arm(side, (-20, 25), (-82, -64), (-20, 25), (5, 40))

    def finish(self) -> Pose:
        """The pose with noise on every joint but the root, within the joint limits."""
        self.pose[1:] += np.deg2rad(self.rng.normal(0, np.repeat(_NOISE[1:], 3).reshape(-1, 3)))
        return clip_to_limits(self.pose)


def clip_to_limits(pose: Pose) -> Pose:
    """Clamp every limited joint to its range."""
    return (pose * _SIDE).clip(_LOW, _HIGH) * _SIDE


Action = Callable[[PoseBuilder], None]
