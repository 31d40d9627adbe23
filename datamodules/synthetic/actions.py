"""The actions of the open benchmark; each function sets one pose of its action, right-handed, in degrees."""

from __future__ import annotations

import numpy as np

from datamodules.synthetic.poses import Action, Pose, PoseBuilder, mirror_pose


def _standing(b: PoseBuilder) -> None:
    b.spine((-8, 12))
    b.head()
    for side in ("left", "right"):
        b.leg(side, (-6, 10), (0, 12), (0, 14))
        if b.rng.random() < 0.25:  # hand on the hip
            b.arm(side, (-35, -10), (-58, -42), (-65, -45), (85, 110))
        else:
            b.hanging_arm(side)


def _walking(b: PoseBuilder) -> None:
    phase, stride = b.draw((0.0, 2 * np.pi)), b.draw((15, 35))
    b.spine((-2, 12), (-10, 10))
    b.head()
    for side, shift in (("left", 0.0), ("right", np.pi)):
        swing = np.sin(phase + shift)
        lift = max(0.0, np.cos(phase + shift))  # the knee bends while the leg travels forward
        b.leg(side, 6 + stride * swing, 8 + 45 * lift + (4, 12)[int(swing < 0)], (0, 4), (-2, 10))
        arm = -swing * stride
        b.arm(side, (75, 95) if arm > 0 else (-95, -75), -83 + abs(arm) * 0.9, (-8, 8), (8, 40))


def _running(b: PoseBuilder) -> None:
    phase, stride = b.draw((0.0, 2 * np.pi)), b.draw((35, 60))
    b.spine((5, 25), (-15, 15))
    b.head((-15, 10), (-25, 25))
    for side, shift in (("left", 0.0), ("right", np.pi)):
        swing, lift = np.sin(phase + shift), max(0.0, np.cos(phase + shift))
        b.leg(side, 18 + stride * swing, 18 + 85 * lift, (0, 4), (-3, 8), (-5, 25))
        arm = -swing * stride
        b.arm(side, (75, 95) if arm > 0 else (-100, -80), -82 + abs(arm) * 1.0, (-5, 10), (65, 110))


def _sitting(b: PoseBuilder) -> None:
    b.spine((-12, 30))
    b.head((-15, 35))
    for side in ("left", "right"):
        b.leg(side, (75, 100), (55, 105), (0, 22), (-8, 10))
        if b.rng.random() < 0.55:  # hand on the thigh
            b.arm(side, (60, 85), (-68, -48), (-12, 12), (40, 75))
        else:
            b.hanging_arm(side)


def _reaching(b: PoseBuilder) -> None:
    b.spine((-5, 35), (-30, 30), (-15, 15))
    b.head((-25, 25), (-30, 30))
    b.arm("right", (40, 105), (-35, 75), (-30, 30), (0, 35))
    b.arm("left", (40, 100), (-30, 60), (-25, 25), (0, 45)) if b.rng.random() < 0.4 else b.hanging_arm("left")
    b.leg("left", (-15, 30), (0, 30))
    b.leg("right", (-15, 30), (0, 30))


def _squatting(b: PoseBuilder) -> None:
    depth = b.draw((0.45, 1.0))
    b.spine((15 * depth, 45 * depth))
    b.head((-35, 5), (-30, 30))
    for side in ("left", "right"):
        b.leg(side, 105 * depth + b.draw((-8, 8)), 120 * depth + b.draw((-8, 8)), (8, 28), (5, 25), (-28, -10))
        b.arm(side, (60, 100), (-55, 5), (-15, 15), (5, 70))


def _bending(b: PoseBuilder) -> None:
    b.spine((40, 85), (-25, 25))
    b.head((-35, 25), (-30, 30))
    for side in ("left", "right"):
        b.leg(side, (15, 60), (5, 50), (0, 15))
        b.arm(side, (70, 105), (-35, 15), (-15, 15), (0, 40))


def _arms_raised(b: PoseBuilder) -> None:
    b.spine((-15, 10))
    b.head((-30, 15))
    for side in ("left", "right"):
        b.arm(side, (0, 60), (35, 85), (-20, 40), (0, 60))
        b.leg(side, (-8, 15), (0, 20), (0, 22))


def _waving(b: PoseBuilder) -> None:
    b.spine((-8, 10))
    b.head((-15, 15))
    b.arm("right", (5, 50), (-15, 40), (55, 95), (50, 105))
    b.hanging_arm("left")
    b.leg("left", (-6, 10), (0, 14))
    b.leg("right", (-6, 10), (0, 14))


def _kneeling(b: PoseBuilder) -> None:
    b.spine((-8, 35))
    b.head((-15, 30))
    if b.rng.random() < 0.6:  # one knee on the ground
        b.leg("right", (-5, 20), (80, 105), (0, 8), (-5, 8), (20, 40))
        b.leg("left", (75, 100), (75, 100), (0, 15), (-5, 10))
    else:
        hip, knee = b.draw((0, 50)), b.draw((95, 130))
        for side in ("left", "right"):
            b.leg(side, hip, knee, (2, 14), (-5, 8), (25, 45))
    for side in ("left", "right"):
        b.arm(side, (50, 95), (-70, -15), (-15, 20), (10, 85)) if b.rng.random() < 0.6 else b.hanging_arm(side)


def _kicking(b: PoseBuilder) -> None:
    b.spine((-20, 15), (-30, 30), (-15, 15))
    b.head((-5, 25), (-20, 20))
    b.leg("right", (-35, 95), (0, 75), (0, 30), (-5, 25), (0, 35))
    b.leg("left", (-8, 22), (0, 30), (0, 10))
    b.arm("left", (-10, 70), (-50, 35), (-20, 20), (5, 60))
    b.arm("right", (-70, 20), (-65, 10), (-20, 20), (5, 60))


def _dancing(b: PoseBuilder) -> None:
    b.spine((-20, 25), (-35, 35), (-22, 22))
    b.head((-25, 25))
    for side in ("left", "right"):
        b.arm(side, (-15, 100), (-65, 85), (-40, 70), (0, 115))
        b.leg(side, (-20, 60), (0, 80), (-2, 35), (-10, 35), (-10, 35))


def _crossed_arms(b: PoseBuilder) -> None:
    b.spine((-10, 12))
    b.head()
    b.arm("right", (58, 72), (-64, -54), (10, 22), (100, 114))
    b.arm("left", (58, 72), (-72, -60), (8, 18), (94, 106))
    b.leg("left", (-6, 10), (0, 12), (0, 14))
    b.leg("right", (-6, 10), (0, 12), (0, 14))


def _phoning(b: PoseBuilder) -> None:
    b.spine((-8, 15))
    b.head((-5, 35), (-30, 30))
    if b.rng.random() < 0.5:  # at the ear
        b.arm("right", (25, 55), (-55, -25), (20, 50), (120, 140))
        b.hanging_arm("left")
    else:  # in front of the chest
        b.arm("right", (45, 75), (-70, -50), (5, 25), (85, 115))
        b.arm("left", (40, 75), (-75, -55), (0, 20), (60, 110))
    walking = b.draw((0, 25))
    b.leg("left", (0, walking), (0, 15))
    b.leg("right", (-walking, 5), (0, 20))


def _throwing(b: PoseBuilder) -> None:
    b.spine((-18, 22), (-40, 30), (-15, 15))
    b.head((-20, 10), (-25, 25))
    b.arm("right", (-35, 60), (-5, 70), (30, 95), (20, 110))
    b.arm("left", (30, 100), (-40, 45), (-20, 30), (0, 70))
    b.leg("left", (10, 55), (5, 60), (0, 12))
    b.leg("right", (-30, 5), (0, 35), (0, 15))


def _lunging(b: PoseBuilder) -> None:
    b.spine((-5, 35), (-25, 25))
    b.head((-25, 15), (-25, 25))
    b.leg("left", (50, 90), (40, 95), (0, 15), (-5, 10), (-15, 5))
    b.leg("right", (-40, -10), (10, 60), (0, 10), (-5, 15), (0, 30))
    for side in ("left", "right"):
        b.arm(side, (-20, 100), (-75, 20), (-15, 30), (5, 90))


def _stretching(b: PoseBuilder) -> None:
    b.spine((-15, 15), (-30, 30), (-28, 28))
    b.head((-20, 15), (-30, 30))
    b.arm("right", (-15, 35), (-10, 85), (-20, 30), (0, 25))
    b.arm("left", (-15, 35), (-50, 85), (-20, 30), (0, 45))
    b.leg("left", (-5, 25), (0, 35), (5, 35))
    b.leg("right", (-5, 25), (0, 35), (5, 35))


ACTIONS: dict[str, Action] = {
    "standing": _standing,
    "walking": _walking,
    "running": _running,
    "sitting": _sitting,
    "reaching": _reaching,
    "squatting": _squatting,
    "bending": _bending,
    "arms_raised": _arms_raised,
    "waving": _waving,
    "kneeling": _kneeling,
    "kicking": _kicking,
    "dancing": _dancing,
    "crossed_arms": _crossed_arms,
    "phoning": _phoning,
    "throwing": _throwing,
    "lunging": _lunging,
    "stretching": _stretching,
}
AIRBORNE = frozenset({"running", "kicking", "dancing"})
"""Actions in which both feet may leave the ground."""


def sample_pose(action: str, rng: np.random.Generator) -> Pose:
    """A pose of the action, mirrored half of the time."""
    builder = PoseBuilder(rng)
    ACTIONS[action](builder)
    pose = builder.finish()
    return mirror_pose(pose) if rng.random() < 0.5 else pose
