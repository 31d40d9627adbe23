"""H.264 in MP4, as browsers play it, with the sound of another file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from zoo.errors import ZooError
from zoo.prediction.video.reader import VideoReader
from zoo.prediction.video.source import import_av

_COPIED = frozenset({"aac", "mp3", "opus", "flac", "ac3"})
"""Sound that MP4 holds and players know is copied; other is encoded again as AAC."""
_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Samples per second of AAC that every player knows."""


class VideoWriter:
    """A video file that is written frame by frame; leave it by `with`, and it is complete.

    yuv420p, the index in front (faststart), frames at their own times.

    Args:
        path: where; nobody else sees an incomplete file if it is in a folder of its own.
        reader: whose times and sound it has.

    Raises:
        ZooError: PyAV cannot encode H.264.
    """

    def __init__(self, path: Path, reader: VideoReader) -> None:
        self._av, self._reader = import_av(), reader
        self._container = self._av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        try:
            self._stream = self._container.add_stream("libx264", rate=reader.rate)
        except (ValueError, self._av.FFmpegError):
            self._container.close()
            raise ZooError("this PyAV has no H.264 encoder; take PyPI's: pip install --force-reinstall av") from None
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": "20", "preset": "veryfast"}
        self._stream.codec_context.time_base = reader.time_base
        self._end = Fraction(0)
        self._sound = None if reader.source.is_live else _Sound(self._av, reader, self._container)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode())
                if self._sound is not None:
                    self._sound.write_until(self._end)
        finally:
            if self._sound is not None:
                self._sound.close()
            self._container.close()

    def write(self, pixels: UInt8[np.ndarray, "height width 3"], pts: int) -> None:
        """The next frame; all are of one size, and of an odd one the last row or column is left out."""
        even = np.ascontiguousarray(pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2])
        frame = self._av.VideoFrame.from_ndarray(even, format="rgb24")
        frame.pts, frame.time_base = pts, self._reader.time_base
        if not self._stream.codec_context.is_open:
            self._stream.width, self._stream.height = frame.width, frame.height
        self._container.mux(self._stream.encode(frame))
        self._end = pts * self._reader.time_base + 1 / self._reader.rate
        if self._sound is not None:
            self._sound.write_until(pts * self._reader.time_base)


class _Sound:
    """The first sound track of a video, written in step with the images. What is damaged is left out."""

    def __init__(self, av: Any, reader: VideoReader, target: Any) -> None:
        self._av, self._target = av, target
        self._start = Fraction(reader.start, 1_000_000)
        self._source = av.open(reader.source.url)
        self._packets: Iterator[tuple[Fraction, Any]] = iter(())
        self._next: tuple[Fraction, Any] | None = None
        streams = self._source.streams.audio
        if not streams or not streams[0].codec_context:
            return
        track = streams[0]
        if track.codec_context.name.removesuffix("float").removeprefix("lib") in _COPIED:
            self._packets = self._copied(track, target.add_stream_from_template(track))
        else:
            rate = track.codec_context.sample_rate
            rate = rate if rate in _RATES else 48_000
            self._packets = self._encoded(
                track, target.add_stream("aac", rate=rate, layout="mono" if track.channels == 1 else "stereo")
            )

    def write_until(self, time: Fraction) -> None:
        """All packets that begin before a time, in seconds since the file's beginning."""
        while True:
            self._next = self._next or self._read()
            if self._next is None or self._next[0] >= time:
                return
            self._target.mux(self._next[1])
            self._next = None

    def close(self) -> None:
        """Close the file that the sound is from."""
        self._source.close()

    def _read(self) -> tuple[Fraction, Any] | None:
        try:
            return next(self._packets, None)
        except (self._av.FFmpegError, OSError, EOFError):
            return None

    def _copied(self, track: Any, copy: Any) -> Iterator[tuple[Fraction, Any]]:
        offset = round(self._start / track.time_base)
        for packet in self._source.demux(track):
            if packet.dts is None or packet.pts is None:
                continue  # the mark of the end
            packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
            packet.stream = copy
            yield packet.pts * track.time_base, packet

    def _encoded(self, track: Any, encoder: Any) -> Iterator[tuple[Fraction, Any]]:
        context = encoder.codec_context
        resampler = self._av.AudioResampler(format="fltp", layout=context.layout, rate=context.sample_rate)
        position: int | None = None  # in samples
        for frame in self._source.decode(track):
            if position is None:
                begin = Fraction(0) if frame.pts is None else frame.pts * frame.time_base - self._start
                position = max(0, round(begin * context.sample_rate))
            for part in resampler.resample(frame):
                part.pts, part.time_base = position, Fraction(1, context.sample_rate)
                position += part.samples
                yield from self._timed(encoder.encode(part))
        yield from self._timed(encoder.encode())

    @staticmethod
    def _timed(packets: Iterable[Any]) -> Iterator[tuple[Fraction, Any]]:
        for packet in packets:
            yield packet.pts * packet.time_base, packet
