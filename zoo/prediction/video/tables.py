"""Numbers of a video's people, written frame by frame: JSON lines, a CSV table, COCO's keypoint results."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TextIO

from body.skeleton import Skeleton
from zoo.prediction.export import SourceImage
from zoo.prediction.export.coco import coco_text
from zoo.prediction.export.drawing import scale_intrinsics
from zoo.prediction.export.table import COLUMNS
from zoo.prediction.video.drawing import people_of
from zoo.prediction.video.frames import VideoFrame

SCHEMA = "human-mesh-zoo/video/1"


class Table(Protocol):
    """A file that grows frame by frame."""

    def add(self, frame: VideoFrame) -> None:
        """Write what is in a frame."""

    def close(self) -> None:
        """Complete the file."""


class JsonLines:
    """A first line about the video, then one per frame with its people.

    The first line: `schema`, `model`, `video`, `intrinsics` and `size` in the video's pixels, `skeleton`, `joints`
    (their names) and `parents`. Each other: `frame`, `time` in seconds, and `people`, of each `track`, `box` (x, y,
    width, height), `score`, `interpolated`, `metres` (camera frame, joint by joint), `pixels`, and with a body's
    parameters `pose` (axis-angle), `betas` and `transl`.
    """

    def __init__(self, path: Path, model: str, skeleton: Skeleton) -> None:
        self._stream, self._model, self._skeleton = _open(path), model, skeleton
        self._has_header = False

    def add(self, frame: VideoFrame) -> None:
        """Write the frame's line."""
        if not self._has_header:
            self._line(self._header(frame.canvas, frame.scale))
            self._has_header = True
        people = []
        for tracked, person in zip(frame.people, people_of(frame), strict=True):
            row: dict[str, Any] = {
                "track": tracked.track,
                "box": _rounded(person.box),
                "score": round(tracked.score, 4),
                "interpolated": tracked.interpolated,
                "metres": [_rounded(joint) for joint in person.joints],
                "pixels": [_rounded(joint) for joint in person.joints_2d],
            }
            if person.pose is not None and person.betas is not None:
                row |= {"pose": [_rounded(turn) for turn in person.pose], "betas": _rounded(person.betas)}
                row["transl"] = None if person.transl is None else _rounded(person.transl)
            people.append(row)
        self._line({"frame": frame.index, "time": round(frame.time, 6), "people": people})

    def close(self) -> None:
        """Complete the file."""
        self._stream.close()

    def _header(self, canvas: SourceImage, scale: float) -> dict[str, Any]:
        height, width = canvas.pixels.shape[:2]
        return {
            "schema": SCHEMA,
            "model": self._model,
            "video": canvas.name,
            "size": [round(width / scale), round(height / scale)],
            "intrinsics": _unscaled(canvas, scale),
            "camera": "given" if canvas.intrinsics_given else "assumed: 60 degrees across the longer side",
            "frame": "camera: x right, y down, z forward; pixel centres at integers",
            "skeleton": self._skeleton.name,
            "joints": list(self._skeleton.joints),
            "parents": list(self._skeleton.parents),
        }

    def _line(self, values: dict[str, Any]) -> None:
        self._stream.write(json.dumps(values, allow_nan=False) + "\n")


class CsvTable:
    """A row for every joint of every person of every frame: `frame`, `time`, then `export.table`'s columns.

    `person` is the track.
    """

    def __init__(self, path: Path) -> None:
        self._stream = _open(path)
        self._writer = csv.writer(self._stream, lineterminator="\n")
        self._writer.writerow(["frame", "time", *COLUMNS])

    def add(self, frame: VideoFrame) -> None:
        """Write the frame's rows."""
        for tracked, person in zip(frame.people, people_of(frame), strict=True):
            for name, metres, pixels in zip(person.skeleton.joints, person.joints, person.joints_2d, strict=True):
                values = [*(f"{value:.6f}" for value in metres), *(f"{value:.3f}" for value in pixels)]
                self._writer.writerow([frame.index, f"{frame.time:.6f}", tracked.track, name, *values])

    def close(self) -> None:
        """Complete the file."""
        self._stream.close()


class CocoResults:
    """COCO's keypoint results with the frame as `image_id`, and `track_id`."""

    def __init__(self, path: Path, model: str) -> None:
        self._stream, self._model, self._start = _open(path), model, "["

    def add(self, frame: VideoFrame) -> None:
        """Write the frame's people."""
        people = people_of(frame)
        if people:
            source = replace(frame.canvas, name=f"{frame.index}")
            for tracked, row in zip(frame.people, json.loads(coco_text(people, source, self._model)), strict=True):
                row |= {"file_name": frame.canvas.name, "track_id": tracked.track}
                self._stream.write(self._start + json.dumps(row))
                self._start = ",\n"

    def close(self) -> None:
        """Complete the file."""
        self._stream.write("[]\n" if self._start == "[" else "]\n")
        self._stream.close()


def _open(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 5) for value in values]


def _unscaled(canvas: SourceImage, scale: float) -> list[list[float]]:
    return [_rounded(row) for row in scale_intrinsics(canvas.intrinsics, 1 / scale)]
