"""One picture of what became of all images and videos of a run."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zoo.errors import ZooError
from zoo.prediction.images import read_image
from zoo.prediction.sources import VIDEO_ENDINGS
from zoo.prediction.video.source import import_av

NAME = "sheet.jpg"
MAX_TILES = 60
"""Of more results that many are shown, evenly spaced."""
_WIDTH, _HEIGHT, _CAPTION, _GAP, _COLUMNS = 264, 200, 22, 8, 6
_PAPER, _EMPTY, _INK, _FAILURE = (255, 255, 255), (236, 238, 241), (60, 64, 70), (178, 40, 30)


@dataclass(frozen=True)
class Tile:
    """What became of an image or a video.

    Attributes:
        name: of the file.
        note: how many people it has, or why it has no result.
        picture: a drawn image or video, or the file itself; None if it could not be read.
    """

    name: str
    note: str
    picture: Path | None


def draw_contact_sheet(tiles: list[Tile]) -> bytes:
    """The sheet as JPEG; of a video, the frame in its middle.

    Args:
        tiles: at least one.
    """
    chosen = np.unique(np.linspace(0, len(tiles) - 1, min(len(tiles), MAX_TILES)).round().astype(int)).tolist()
    columns = min(_COLUMNS, len(chosen))
    rows, step = -(-len(chosen) // columns), (_WIDTH + _GAP, _HEIGHT + _CAPTION + _GAP)
    sheet = Image.new("RGB", (columns * step[0] + _GAP, rows * step[1] + _GAP), _PAPER)
    for place, number in enumerate(chosen):
        row, column = divmod(place, columns)
        sheet.paste(_draw_tile(tiles[number]), (_GAP + column * step[0], _GAP + row * step[1]))
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _draw_tile(tile: Tile) -> Image.Image:
    cell = Image.new("RGB", (_WIDTH, _HEIGHT + _CAPTION), _PAPER)
    cell.paste(_EMPTY, (0, 0, _WIDTH, _HEIGHT))
    pen, is_video = ImageDraw.Draw(cell), tile.picture is not None and tile.picture.suffix.lower() in VIDEO_ENDINGS
    image = None if tile.picture is None else _read(tile.picture)
    if image is None:
        text = "\n".join(textwrap.wrap(_printable(tile.note), 36, max_lines=7, placeholder=" ..."))
        pen.multiline_text((_WIDTH / 2, _HEIGHT / 2), text, _FAILURE, _font(13), "mm", align="center")
    else:
        image.thumbnail((_WIDTH, _HEIGHT), Image.Resampling.BOX)
        cell.paste(image, ((_WIDTH - image.width) // 2, (_HEIGHT - image.height) // 2))
    if image is not None and is_video:
        x, y, size = 20, _HEIGHT - 20, 8
        pen.ellipse((x - 2 * size, y - 2 * size, x + 2 * size, y + 2 * size), _PAPER, _INK, 2)
        pen.polygon([(x - 0.5 * size, y - 0.9 * size), (x - 0.5 * size, y + 0.9 * size), (x + size, y)], _INK)
    _write_caption(pen, tile.name, "" if image is None else tile.note)
    return cell


def _write_caption(pen: ImageDraw.ImageDraw, name: str, note: str) -> None:
    """The name, shortened in its middle, to the left, and the note to the right."""
    name = _printable(name)
    font = _font(13)
    room = _WIDTH - 12 - pen.textlength(note, font)
    shown = name
    while len(shown) > 4 and pen.textlength(shown, font) > room:
        half = (len(shown) - 2) // 2
        shown = f"{name[:half]}…{name[-half:]}"
    pen.text((2, _HEIGHT + _CAPTION / 2), shown, _INK, font, "lm")
    pen.text((_WIDTH - 2, _HEIGHT + _CAPTION / 2), note, _INK, font, "rm")


def _printable(text: str) -> str:
    """Without the halves of characters that stand for bytes of file names that are no text."""
    return text.encode(errors="replace").decode()


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _read(path: Path) -> Image.Image | None:
    try:
        return _middle_frame(path) if path.suffix.lower() in VIDEO_ENDINGS else Image.fromarray(read_image(path))
    except (ZooError, OSError, ValueError):
        return None


def _middle_frame(path: Path) -> Image.Image | None:
    """Of the frames up to half of the duration the last one."""
    frame = None
    with import_av().open(str(path)) as container:
        stream = container.streams.video[0]
        half = None if stream.duration is None else (stream.start_time or 0) + stream.duration // 2
        if half is not None:
            container.seek(half, stream=stream)
        for frame in container.decode(stream):
            if half is None or frame.pts is None or frame.pts >= half:
                break
    return None if frame is None else frame.to_image()
