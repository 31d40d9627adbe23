"""A frame with its people drawn on it, each in one colour throughout."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from body.draw import skeleton_overlay
from zoo.prediction.export.drawing import draw_overlay
from zoo.prediction.export.person import Person, extract_person
from zoo.prediction.video.frames import VideoFrame


def people_of(frame: VideoFrame) -> list[Person]:
    """The people of a frame as plain arrays; pixels are the video's."""
    return [extract_person(one.prediction, 0, one.box, one.score) for one in frame.people]


def draw_frame(frame: VideoFrame, mesh: bool) -> UInt8[np.ndarray, "height width 3"]:
    """The meshes over the frame, or the skeletons."""
    people = people_of(frame)
    if mesh and people and all(len(one.vertices) for one in people):
        return draw_overlay(people, frame.canvas, [one.track for one in frame.people])
    pixels = frame.canvas.pixels
    for one in people:
        joints = (one.joints_2d + 0.5) * frame.scale - 0.5
        pixels = skeleton_overlay(pixels, joints, one.skeleton)
    return pixels
