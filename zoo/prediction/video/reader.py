"""Frames of a video as upright RGB images, with their times."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from zoo.errors import ZooError, one_line
from zoo.prediction.images import MIN_SIDE
from zoo.prediction.video.source import VideoSource, import_av

_END = 1.0
"""Seconds that may be missing at the end of a file that states no number of frames."""


@dataclass(frozen=True)
class Frame:
    """An image of a video.

    Attributes:
        index: counted from 0.
        pts: presentation time in units of the reader's `time_base`, increasing; 0 is the beginning of the file.
        time: the same in seconds.
        pixels: RGB, upright, with square pixels.
    """

    index: int
    pts: int
    time: float
    pixels: UInt8[np.ndarray, "height width 3"]


class VideoReader:
    """A video, opened; iterate once over its frames.

    The rotation that phones write is applied, as are pixels that are not square. Times are the file's, also where they
    are not regular. Of a damaged video what can be decoded is given, and `problem` says what was not.

    Args:
        source: file or camera.
        seconds: stop after them; None for all.

    Raises:
        MissingExtra: PyAV is not installed.
        ZooError: no video, or one without images.
    """

    def __init__(self, source: VideoSource, seconds: float | None = None) -> None:
        self.source, self._seconds, self._av = source, seconds, import_av()
        self.problem: str | None = None
        self._stopped = threading.Event()
        try:
            self._container = self._av.open(source.url, format=source.format, options=source.options)
        except (self._av.FFmpegError, OSError) as error:
            raise ZooError(f"{source.name} is no video that can be read ({_reason(error)})") from None
        if not self._container.streams.video:
            self._container.close()
            raise ZooError(f"{source.name} has no images; name a video, or a picture in a format such as JPEG")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.time_base: Fraction = self._stream.time_base or Fraction(1, 90_000)
        self.start = 0 if source.is_live else self._container.start_time or 0
        """Time of the file's beginning, microseconds; times of frames count from there."""

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average; 25 when the file does not say."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return Fraction(rate).limit_denominator(1001) if rate and 1 <= rate <= 1000 else Fraction(25)

    @property
    def duration(self) -> float | None:
        """Seconds, as the file says, or None."""
        if self._stream.duration:
            return float(self._stream.duration * self.time_base)
        return self._container.duration / 1e6 if self._container.duration else None

    @property
    def expected_frames(self) -> int | None:
        """About how many frames there will be, or None."""
        limit = None if self._seconds is None else int(self._seconds * self.rate)
        known = self._stream.frames or (None if self.duration is None else round(self.duration * self.rate))
        return min((count for count in (known, limit) if count), default=None)

    def stop(self) -> None:
        """End after the present frame; for cameras."""
        self._stopped.set()

    def __iter__(self) -> Generator[Frame, None, None]:
        last, index, first = -1, 0, None
        size: tuple[int, int] | None = None
        for decoded in self._decoded():
            pts = last + self._step if decoded.pts is None else self._since_start(decoded.pts)
            first = pts if first is None and self.source.is_live else first
            pts = max(pts - (first or 0), last + 1)
            if self._stopped.is_set() or (self._seconds is not None and pts * self.time_base >= self._seconds):
                return
            pixels = self._upright(decoded, size)
            size = size or (pixels.shape[1], pixels.shape[0])
            yield Frame(index, pts, float(pts * self.time_base), pixels)
            last, index = pts, index + 1
        self._check_end(index, float((last + 1) * self.time_base))

    @property
    def _step(self) -> int:
        return max(1, round(1 / (self.rate * self.time_base)))

    def _since_start(self, pts: int) -> int:
        return pts - round(Fraction(self.start, 1_000_000) / self.time_base)

    def _decoded(self) -> Iterator[Any]:
        """Decoded images; packets that cannot be decoded are left out and counted."""
        packets, broken, reason = self._container.demux(self._stream), 0, ""
        while True:
            try:
                packet = next(packets)
                frames = packet.decode()
            except (StopIteration, EOFError):  # PyAV's end of file is an EOFError
                break
            except self._av.InvalidDataError as error:
                broken, reason = broken + 1, _reason(error)
                if broken > 1000:
                    break
                continue
            except (self._av.FFmpegError, OSError) as error:
                self.problem = f"{self.source.name}: reading ended ({_reason(error)})"
                return
            yield from frames
        if broken:
            self.problem = f"{self.source.name}: {broken} damaged parts were left out ({reason})"

    def _upright(self, decoded: Any, size: tuple[int, int] | None) -> UInt8[np.ndarray, "height width 3"]:
        """RGB; frames of another size than the first one's are made as large."""
        turns = round(getattr(decoded, "rotation", 0) / 90)  # counter-clockwise, as the display matrix says
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        width, height = max(1, round(decoded.width * aspect)), decoded.height
        if size is not None:
            width, height = size if turns % 2 == 0 else size[::-1]
        if min(width, height) < MIN_SIDE:
            raise ZooError(
                f"{self.source.name} has {width} x {height} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed"
            )
        rgb = decoded.reformat(width=width, height=height, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, turns))

    def _check_end(self, count: int, end: float) -> None:
        name, total = self.source.name, self._stream.frames
        if self.source.is_live or self.problem:
            return
        if not count:
            self.problem = f"{name}: no image could be decoded"
        elif total and count < total - 1:
            self.problem = f"{name}: {count} of {total} frames could be read"
        elif not total and self.duration is not None and end < self.duration - _END:
            self.problem = f"{name}: it ends after {end:.1f} of {self.duration:.1f} s"


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None)
    return str(text) if text else one_line(error, 200)
