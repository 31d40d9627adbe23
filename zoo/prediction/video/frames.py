"""Frames of a video with the people in them."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.prediction.export import SourceImage
from zoo.prediction.video.people import TrackedPerson


@dataclass(frozen=True)
class VideoFrame:
    """A frame and its people.

    Attributes:
        index: counted from 0.
        pts: presentation time in the video's time base.
        time: in seconds.
        canvas: the image as it is drawn on, at most `MAX_DRAWN_SIDE` pixels, with the camera of that size.
        scale: the canvas's size over the video's.
        people: predictions; pixels are the video's.
        error: why there are none, in one line, or None.
    """

    index: int
    pts: int
    time: float
    canvas: SourceImage
    scale: float
    people: tuple[TrackedPerson, ...] = ()
    error: str | None = None
