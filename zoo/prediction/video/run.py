"""One video of a run: predicted, drawn and written, with its progress."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lightning_modules.base import PoseModule
from zoo.errors import ZooError
from zoo.prediction.ahead import read_ahead
from zoo.prediction.export.files import moved_together
from zoo.prediction.fit import fit_parameters
from zoo.prediction.formats import Format
from zoo.prediction.many import BoxFinder
from zoo.prediction.video.files import VideoFiles
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.predict import VideoSettings, predict_video
from zoo.prediction.video.reader import VideoReader

_AHEAD = 4
"""Frames that are predicted before the last one is drawn."""


@dataclass(frozen=True)
class VideoOutcome:
    """What became of a video: frames, people, and what was wrong with it, if anything, in one line."""

    frames: int
    people: int
    problem: str | None


def write_video(
    model: PoseModule,
    name: str,
    reader: VideoReader,
    find_boxes: BoxFinder,
    settings: VideoSettings,
    folder: Path,
    stem: str,
    formats: Collection[Format],
    body: str = "none",
    fit: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> VideoOutcome:
    """Predict a video and write its files into a folder, all or none. A camera goes on until Ctrl-C.

    Args:
        model: from `zoo.load`.
        name: of its weights.
        reader: the open video.
        find_boxes: says where people are.
        settings: how it is predicted.
        folder: for the files.
        stem: first part of their names.
        formats: see `VideoFiles`; others are of pictures.
        body: name of the body that parameters are of.
        fit: estimate them where the method does not give them, after smoothing.
        advance: is called after every frame.

    Raises:
        ZooError: no frame could be read, or the folder cannot be written.
    """
    problem: str | None = None
    frames = predict_video(model, reader, find_boxes, settings)
    predicted = read_ahead(_fitted(frames, body) if fit else frames, _AHEAD)
    with (
        moved_together(folder) as partial,
        _stopped_by_interrupt(reader),
        closing(predicted),
        VideoFiles(partial, stem, formats, name, model, reader, body) as files,
    ):
        for frame in predicted:
            files.add(frame)
            problem = problem or frame.error
            advance()
        if not files.frames:
            raise ZooError(reader.problem or f"{reader.source.name}: no image could be decoded")
    return VideoOutcome(files.frames, len(files.tracks), reader.problem or problem)


def _fitted(frames: Iterator[VideoFrame], body: str) -> Iterator[VideoFrame]:
    """The same frames with parameters of all people."""
    for frame in frames:
        people = [replace(one, prediction=fit_parameters(one.prediction, body)) for one in frame.people]
        yield replace(frame, people=tuple(people))


@contextmanager
def _stopped_by_interrupt(reader: VideoReader) -> Iterator[None]:
    """While a camera runs, Ctrl-C ends it, and what it saw is kept."""
    if not reader.source.is_live or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: reader.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
