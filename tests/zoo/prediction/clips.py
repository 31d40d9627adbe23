"""Small videos for the tests, made with PyAV: a bright square that wanders over grey, and a tone."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def square_at(index: int) -> tuple[int, int]:
    """Left and top of the square in frame `index`."""
    return 8 + 4 * index, 20


def picture(index: int, size=(64, 48)) -> np.ndarray:
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    x, y = square_at(index)
    image[y : y + 12, x : x + 12] = (250, 60, 60)
    return image


def write_clip(
    path: Path,
    frames: int = 10,
    codec: str = "libx264",
    times: list[int] | None = None,
    sound: str = "",
    size=(64, 48),
    pictures=None,
    rate: int = 10,
) -> Path:
    """A clip of 10 frames a second; `times` are presentation times in milliseconds, `sound` a codec."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"crf": "10"} if codec == "libx264" else {"qscale": "2"}
        stream.codec_context.time_base = Fraction(1, 1000)
        tone = container.add_stream(sound, rate=16_000, layout="mono") if sound else None
        for index in range(frames):
            image = picture(index, size) if pictures is None else pictures[index]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = times[index] if times else round(index * 1000 / rate)
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if tone is not None:
            wave = np.sin(np.arange(16_000 * frames // rate) * 0.2)
            for start in range(0, len(wave), 1024):
                part = (wave[start : start + 1024] * 20_000).astype(np.int16)[None]
                chunk = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                chunk.sample_rate, chunk.pts, chunk.time_base = 16_000, start, Fraction(1, 16_000)
                container.mux(tone.encode(chunk))
            container.mux(tone.encode())
    return path


def turn_by_tag(path: Path, matrix: tuple[float, ...]) -> None:
    """Write the display matrix a b c d (of ISO 14496-12, 16.16 fixed point) into the first track's header."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 4 + 5 * 4 + 8 + 8  # version 0: flags, five numbers, reserved, layer to volume
    for position, value in zip((0, 1, 3, 4), matrix, strict=True):
        at = start + 4 * position
        data[at : at + 4] = (round(value * 65536) & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(data)
