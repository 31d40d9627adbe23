"""What moves in a rigged file: keys of joints over the frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from zoo.prediction.export.glb import GlbWriter
from zoo.prediction.export.motion import Chain, Motion


class Track(NamedTuple):
    """Keys of one property of a node; times in seconds."""

    node: int
    path: Literal["translation", "rotation", "scale"]
    times: Float[np.ndarray, " keys"]
    values: Float[np.ndarray, "keys numbers"]


def make_tracks(motion: Motion, chain: Chain, joints: Sequence[int], person: int, end: int) -> list[Track]:
    """The root's place and the rotations of all joints; outside of its frames the person has no size.

    Args:
        motion: of the person.
        chain: the same as joints.
        joints: their nodes.
        person: node above them, which the scale of 0 hides.
        end: number of the frame after everybody's last.
    """
    first, after = motion.first_frame, motion.first_frame + len(motion.pose)
    times = np.arange(first, after) / motion.fps
    turns = zip(joints, chain.rotations, strict=True)
    tracks = [Track(joints[0], "translation", times, chain.root)]
    tracks += [Track(node, "rotation", times, quaternions(turn)) for node, turn in turns]
    sizes = {0: 0.0, first: 1.0, after: 0.0 if after < end else 1.0}
    if set(sizes.values()) != {1.0}:
        values = np.array(list(sizes.values()))
        tracks.append(Track(person, "scale", np.array(list(sizes)) / motion.fps, np.repeat(values[:, None], 3, 1)))
    return tracks


def add_animation(writer: GlbWriter, tracks: Sequence[Track]) -> None:
    """All tracks as one animation; sizes jump, everything else moves evenly between keys."""
    channels: list[dict[str, object]] = []
    samplers: list[dict[str, object]] = []
    for track in tracks:
        sampler: dict[str, object] = {
            "input": writer.array(track.times.astype("<f4"), "SCALAR", bounds=True),
            "output": writer.array(track.values.astype("<f4"), "VEC4" if track.path == "rotation" else "VEC3"),
            "interpolation": "STEP" if track.path == "scale" else "LINEAR",
        }
        channels.append({"sampler": len(samplers), "target": {"node": track.node, "path": track.path}})
        samplers.append(sampler)
    writer.add("animations", name="motion", samplers=samplers, channels=channels)


def quaternions(rotations: Rotation) -> Float[np.ndarray, "frames 4"]:
    """x, y, z, w, of one sign along the frames, so that what lies between them is the short way."""
    values = rotations.as_quat().reshape(-1, 4)
    flips = np.where((values[1:] * values[:-1]).sum(1) < 0, -1.0, 1.0)
    values[1:] *= np.cumprod(flips)[:, None]
    return np.asarray(values)
