"""Reads MakeHuman's poses: `.bvh` files of its default skeleton, z up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from datamodules.open_v2.poses.capture import Capture

_DECIMETRE = 0.1
# MakeHuman's joint -> joint of the open body.
_RIDES = {"spine04": "spine1", "spine03": "spine2", "spine01": "spine3", "neck01": "neck", "head": "head"}
for _letter, _side in (("L", "left"), ("R", "right")):
    _limbs = {"upperleg01": "hip", "lowerleg01": "knee", "foot": "ankle", "toe3-1": "foot"}
    _limbs |= {"upperarm01": "shoulder", "lowerarm01": "elbow", "wrist": "wrist"}
    _RIDES |= {f"{joint}.{_letter}": f"{_side}_{name}" for joint, name in _limbs.items()}


def read_bvh(paths: list[Path]) -> Capture:
    """The first frame of each file, all of one person; its action is `makehuman/` and the file's name.

    Raises:
        ValueError: a file is not a pose of MakeHuman's skeleton.
    """
    every = []
    for path in paths:
        try:
            ends = _positions(path.read_text().split())
            hips = (ends["upperleg01.L"] + ends["upperleg01.R"]) / 2
            pelvis = hips + 0.55 * (ends["spine04"] - hips)
            every.append(np.stack([pelvis, *(ends[name] for name in _RIDES)]))
        except (KeyError, IndexError, OSError, ValueError) as error:
            raise ValueError(f"{path} is not a pose of MakeHuman's default skeleton: {error!r}") from error
    points = np.array(every)[..., [0, 2, 1]] * [1.0, 1.0, -1.0] * _DECIMETRE
    joints = ("pelvis", *_RIDES.values())
    return Capture(points, joints, np.zeros(len(points), int), [f"makehuman/{path.stem}" for path in paths])


def _positions(words: list[str]) -> dict[str, Float[np.ndarray, "3"]]:
    """Joint positions of the first frame, in the file's axes and unit; rotations apply in the order of the channels."""
    numbers = iter(np.array(words[words.index("Time:") + 2 :], float))
    ends: dict[str, Float[np.ndarray, "3"]] = {}
    stack: list[tuple[Rotation, Float[np.ndarray, "3"]]] = [(Rotation.identity(), np.zeros(3))]
    name, offset = "", np.zeros(3)
    for place, word in enumerate(words[: words.index("MOTION")]):
        if word in ("ROOT", "JOINT"):
            name = words[place + 1]
        elif word == "OFFSET":
            offset = np.array(words[place + 1 : place + 4], float)
            if words[place + 4] != "CHANNELS":  # the end of a chain
                stack.append(stack[-1])
        elif word == "CHANNELS":
            channels = words[place + 2 : place + 2 + int(words[place + 1])]
            turned, at = stack[-1]
            values = {channel: next(numbers) for channel in channels}
            at = at + turned.apply(offset)
            axes = "".join(channel[0] for channel in channels if channel.endswith("rotation"))
            angles = [value for channel, value in values.items() if channel.endswith("rotation")]
            stack.append((turned * Rotation.from_euler(axes, angles, degrees=True), at))
            ends[name] = at
        elif word == "}":
            stack.pop()
    return ends
