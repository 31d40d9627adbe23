"""All files of a video, written while it is predicted."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import get_args

from lightning_modules.base import PoseModule
from zoo.prediction.export.sequence import SequenceFormat
from zoo.prediction.formats import Format
from zoo.prediction.video.drawing import draw_frame
from zoo.prediction.video.frames import VideoFrame
from zoo.prediction.video.motions import MotionFiles
from zoo.prediction.video.reader import VideoReader
from zoo.prediction.video.tables import CocoResults, CsvTable, JsonLines, Table
from zoo.prediction.video.viewer_page import ViewerPage
from zoo.prediction.video.writer import VideoWriter


@dataclass
class VideoFiles:
    """Files of one video; leave it by `with`.

    `STEM_overlay.mp4` shows the meshes, or for a method without them, or without `overlay` among the formats, the
    skeletons; `STEM.html` plays everybody in 3D. `STEM.jsonl` (format `json`), `STEM.csv` and `STEM_coco.json` hold the
    numbers, and the files of `MotionFiles` (`rig`, `bvh`, `npz`) animated bodies.

    Args:
        folder: of the incomplete files.
        stem: first part of their names.
        formats: which of them.
        name: of the weights.
        model: what predicts.
        reader: the video.
        body: name of the body that predicted parameters are of.

    Raises:
        ZooError: PyAV cannot encode H.264.
    """

    folder: Path
    stem: str
    formats: Collection[Format]
    name: str
    model: PoseModule
    reader: VideoReader
    body: str = "none"
    tracks: set[int] = field(default_factory=set)
    frames: int = 0

    def __enter__(self) -> VideoFiles:
        self._stack = ExitStack()
        tables: list[Table] = []
        if "json" in self.formats:
            tables.append(JsonLines(self.folder / f"{self.stem}.jsonl", self.name, self.model.skeleton))
        if "csv" in self.formats:
            tables.append(CsvTable(self.folder / f"{self.stem}.csv"))
        if "coco" in self.formats:
            tables.append(CocoResults(self.folder / f"{self.stem}_coco.json", self.name))
        sequences = [kind for kind in get_args(SequenceFormat) if kind in self.formats]
        if sequences:
            rate = self.reader.rate
            tables.append(MotionFiles(self.folder, self.stem, sequences, self.name, self.body, rate))
        if "html" in self.formats:
            page, title = self.folder / f"{self.stem}.html", f"{Path(self.reader.source.name).name}, {self.name}"
            tables.append(ViewerPage(page, title, self.body, self.model.skeleton, self.reader.rate))
        self._tables = tables
        for table in tables:
            self._stack.callback(table.close)
        self._video = None
        if {"overlay", "skeleton"} & set(self.formats):
            self._video = self._stack.enter_context(VideoWriter(self.folder / f"{self.stem}_overlay.mp4", self.reader))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, frame: VideoFrame) -> None:
        """Write what is in the next frame."""
        self.frames += 1
        self.tracks.update(one.track for one in frame.people)
        for table in self._tables:
            table.add(frame)
        if self._video is not None:
            self._video.write(draw_frame(frame, "overlay" in self.formats), frame.pts)
