"""Predictions for a video: decoded ahead, batched over frames, people followed, smoothed with a look ahead."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from lightning_modules.base import PoseModule
from zoo.prediction.ahead import read_ahead
from zoo.prediction.export import SourceImage
from zoo.prediction.export.drawing import downscale, scale_intrinsics
from zoo.prediction.inputs import intrinsics_from_focal, resolve_intrinsics
from zoo.prediction.many import BoxFinder, Predicted, Readable, predict_images
from zoo.prediction.sources import SourceFile
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.people import TrackedPerson
from zoo.prediction.video.reader import Frame, VideoReader
from zoo.prediction.video.smoothing import SmoothingSettings
from zoo.prediction.video.steady import steady_frames
from zoo.prediction.video.tracks import Observation, Tracker

_AHEAD = 3


@dataclass(frozen=True)
class VideoSettings:
    """How a video is predicted.

    Attributes:
        focal: pixels; 60 degrees across the longer side when None.
        batch_size: people and frames at once.
        smoothing: in time, or None.
        min_sightings: see `steady_frames`.
    """

    focal: float | None = None
    batch_size: int = 8
    smoothing: SmoothingSettings | None = SmoothingSettings()  # noqa: RUF009 (frozen)
    min_sightings: int = 3


def predict_video(
    model: PoseModule, reader: VideoReader, find_boxes: BoxFinder, settings: VideoSettings
) -> Iterator[VideoFrame]:
    """All frames in their order, with their people; memory does not grow with the length.

    Weights with a `flip_test` do without the mirrored crop here: the frames around it steady a frame at half the work.

    Args:
        model: from `zoo.load`.
        reader: an open video.
        find_boxes: says where people are; it is asked for `VIDEO/000012`, say, the frames counted from 0.
        settings: how.
    """
    frames = _predict_frames(_of_single_crops(model), reader, find_boxes, settings)
    tracked = _follow(frames, reader, settings)
    return steady_frames(tracked, settings.smoothing, settings.min_sightings)


def _of_single_crops(model: PoseModule) -> PoseModule:
    """The same weights without a `flip_test`; a shallow copy, as another thread may predict pictures with the model."""
    single = copy.copy(model)
    single.flip_test = False
    return single


def _predict_frames(
    model: PoseModule, reader: VideoReader, find_boxes: BoxFinder, settings: VideoSettings
) -> Iterator[tuple[Frame, Predicted]]:
    waiting: deque[Frame] = deque()

    def images() -> Iterator[Readable]:
        for frame in read_ahead(iter(reader), _AHEAD):
            waiting.append(frame)
            path = Path(reader.source.name) / f"{frame.index:06d}"
            yield SourceFile(path, Path(), path.name), frame.pixels

    for predicted in predict_images(model, images(), find_boxes, settings.focal, settings.batch_size):
        yield waiting.popleft(), predicted


def _follow(
    frames: Iterator[tuple[Frame, Predicted]], reader: VideoReader, settings: VideoSettings
) -> Iterator[VideoFrame]:
    tracker = Tracker()
    for frame, predicted in frames:
        rows = [(row, box, score) for (row, box), score in zip(predicted.people, predicted.scores, strict=False)]
        seen = [Observation(box, row.joints_2d[0].double().cpu().numpy()) for row, box, _ in rows]
        numbers = tracker.update(frame.time, seen)
        people = [TrackedPerson(number, *one) for number, one in zip(numbers, rows, strict=True)]
        canvas, scale = _canvas(frame.pixels, reader.source.name, settings.focal)
        yield VideoFrame(frame.index, frame.pts, frame.time, canvas, scale, tuple(people), predicted.error)


def _canvas(pixels: UInt8[np.ndarray, "height width 3"], name: str, focal: float | None) -> tuple[SourceImage, float]:
    given = None if focal is None else intrinsics_from_focal(focal, pixels.shape[1], pixels.shape[0])
    camera = resolve_intrinsics(given, pixels)
    small, scale = downscale(pixels)
    return SourceImage(small, scale_intrinsics(camera, scale), name, given is not None), scale
