"""Reads motion capture in Acclaim's format: a skeleton (`.asf`) and motions of it (`.amc`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from datamodules.open_v2.poses.capture import Capture

_INCH = 0.0254
# Bone whose end is a joint -> joint of the open body.
_RIDES = {"root": "pelvis", "lowerback": "spine1", "upperback": "spine2", "thorax": "spine3", "upperneck": "neck"}
_RIDES |= {"head": "head"}
for _letter, _side in (("l", "left"), ("r", "right")):
    _limbs = {"hipjoint": "hip", "femur": "knee", "tibia": "ankle", "foot": "foot", "clavicle": "shoulder"}
    _limbs |= {"humerus": "elbow", "radius": "wrist"}
    _RIDES |= {f"{_letter}{bone}": f"{_side}_{joint}" for bone, joint in _limbs.items()}


@dataclass(frozen=True)
class _Bone:
    """A bone at rest: from the end of its parent along `offset` (metres); it turns in the frame `axis`."""

    parent: str
    offset: Float[np.ndarray, "3"]
    axis: Rotation
    freedoms: tuple[str, ...]


def read_acclaim(skeleton: Path, motions: list[Path], person: int = 0) -> Capture:
    """All frames of the motions; each motion is an action, `acclaim/` and its file's name.

    Raises:
        ValueError: a file is in another format.
    """
    try:
        bones = _read_skeleton(skeleton.read_text())
        frames = [_read_motion(motion.read_text()) for motion in motions]
        points = np.concatenate([_points(bones, motion) for motion in frames])
    except (KeyError, IndexError, OSError, ValueError) as error:
        raise ValueError(f"{skeleton} or one of its motions is not in Acclaim's format: {error!r}") from error
    actions = [f"acclaim/{path.stem}" for path, motion in zip(motions, frames, strict=True) for _ in motion["root"]]
    return Capture(points, tuple(_RIDES.values()), np.full(len(points), person), actions)


def _read_skeleton(text: str) -> dict[str, _Bone]:
    """Bones by name, parents before children."""
    words = text.split()
    unit = _INCH / float(words[words.index("length") + 1])
    rest: dict[str, _Bone] = {}
    for block in text.split(":bonedata")[1].split(":hierarchy")[0].split("begin")[1:]:
        lines = {line.split()[0]: line.split()[1:] for line in block.splitlines() if line.strip()}
        offset = np.array(lines["direction"], float) * float(lines["length"][0]) * unit
        axis = Rotation.from_euler(lines["axis"][3].lower(), np.array(lines["axis"][:3], float), degrees=True)
        rest[lines["name"][0]] = _Bone("", offset, axis, tuple(lines.get("dof", ())))
    bones: dict[str, _Bone] = {}
    for line in text.split(":hierarchy")[1].splitlines():
        parent, *children = line.split() or [""]
        for name in children if parent not in ("begin", "end") else ():
            bones[name] = _Bone(parent, rest[name].offset, rest[name].axis, rest[name].freedoms)
    return bones


def _read_motion(text: str) -> dict[str, Float[np.ndarray, "frames numbers"]]:
    """Numbers of every bone that moves, frame by frame."""
    rows: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        name, *numbers = line.split() or [""]
        if numbers and name[0].isalpha():
            rows.setdefault(name, []).append([float(number) for number in numbers])
    return {name: np.array(values) for name, values in rows.items()}


def _points(
    bones: dict[str, _Bone], motion: dict[str, Float[np.ndarray, "frames numbers"]]
) -> Float[np.ndarray, "frames points 3"]:
    """Forward kinematics: where bones end, the root at 0. A bone turns about its own axes at rest, x first."""
    frames = len(motion["root"])
    turned = {"root": Rotation.from_euler("xyz", motion["root"][:, 3:], degrees=True)}
    ends = {"root": np.zeros((frames, 3))}
    for name, bone in bones.items():
        angles = np.zeros((frames, 3))
        for column, freedom in enumerate(bone.freedoms if name in motion else ()):
            angles[:, "xyz".index(freedom[1])] = motion[name][:, column]
        own = bone.axis * Rotation.from_euler("xyz", angles, degrees=True) * bone.axis.inv()
        turned[name] = turned[bone.parent] * own
        ends[name] = ends[bone.parent] + turned[name].apply(bone.offset)
    return np.stack([ends[name] for name in _RIDES], 1)
