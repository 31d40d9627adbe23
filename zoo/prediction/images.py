"""Reading of image files, Pillow images and arrays as 8-bit RGB."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import ExifTags, Image, UnidentifiedImageError

from datamodules.images import complete_jpeg, decode_image, is_flat_at_end
from zoo.errors import ZooError, one_line
from zoo.prediction.sources import VIDEO_ENDINGS

if TYPE_CHECKING:
    from torch import Tensor  # not imported for paths, so that bad ones are refused at once

ImageSource: TypeAlias = "str | Path | Image.Image | np.ndarray | Tensor"

MIN_SIDE = 16
"""Minimum of the shorter side, pixels."""
MAX_PIXELS = 178_000_000
"""Maximum number of pixels that are decoded; 534 MB as RGB. Pillow itself refuses more than 179 million."""
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "TGA", "TIFF", "WEBP")
"""Formats of files that are opened, whatever their names say: no EPS, for which Pillow starts Ghostscript."""
_ROWS = 256  # converted at a time, so that no large array of floats is made


_URL = re.compile("[a-z]+:/")  # what `Path` leaves of it
_OPENED = (bytes, bytearray, io.IOBase)
_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by its EXIF orientation (1: nothing)."""


def read_image(source: ImageSource) -> UInt8[np.ndarray, "height width 3"]:
    """An image as 8-bit RGB, upright.

    EXIF rotation is applied; greyscale is repeated to three channels; 16 bits are reduced to 8 without
    contrast stretching; transparent parts become white; CMYK, palette and other modes are converted by Pillow; of an
    animation the first frame is read. Arrays are (height, width), or with 1, 3 (RGB) or 4 (RGBA)
    channels, of uint8, uint16, bool, or floats in [0, 1].

    Tensors are the same with the channels first, as torchvision's are.

    Args:
        source: path, Pillow image, array or tensor.

    Raises:
        ZooError: no such file, a folder, not an image, damaged, or too small or too large; or another type.
    """
    if isinstance(source, np.ndarray):
        return _convert_array(source)
    if isinstance(source, str | Path):
        return _read_file(Path(source))
    if isinstance(source, Image.Image):
        return _check_size(_convert_pillow(source), "the image")
    if type(source).__module__.partition(".")[0] == "torch" and hasattr(source, "detach"):
        return _convert_array(_channels_last(source))
    hint = "; PIL.Image.open reads files that are open or in memory" if isinstance(source, _OPENED) else ""
    raise ZooError(f"an image is a path, a Pillow image, an array or a tensor, not {type(source).__name__}{hint}")


def _channels_last(tensor: Tensor) -> Shaped[np.ndarray, "..."]:
    if tensor.ndim == 3 and tensor.shape[0] not in (1, 3, 4):
        raise ZooError(f"an image tensor has its channels first: (1, 3 or 4, height, width), not {tuple(tensor.shape)}")
    values = tensor.detach().cpu()
    array: np.ndarray = (values.float() if values.is_floating_point() else values).numpy()
    return np.moveaxis(array, 0, -1) if array.ndim == 3 else array


def _read_file(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    if not path.exists():
        raise ZooError(f"{path}: no such file{'; download it first' if _URL.match(str(path)) else ''}")
    if not path.is_file():
        raise ZooError(f"{path} is a folder; name one image file")
    try:
        with open_image(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ZooError(f"{path}: {image.width} x {image.height} pixels are too many; make it smaller first")
            return _check_size(_convert_pillow(image), str(path))
    except Image.DecompressionBombError:
        raise ZooError(f"{path} has too many pixels; make it smaller first") from None
    except UnidentifiedImageError:
        hint = "; for videos there is zoo predict" if path.suffix.lower() in VIDEO_ENDINGS else ""
        formats = "(JPEG, PNG, TIFF, WebP, ...)"
        raise ZooError(f"{path} is not an image in a format that can be read {formats}{hint}") from None
    except PermissionError:
        raise ZooError(f"{path}: no permission to read it") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow's errors for damaged files of any format
        rescued = _rescue(path)
        if rescued is not None:
            return rescued
        raise ZooError(f"{path} is damaged and cannot be decoded ({one_line(error)})") from None


def open_image(source: Path | io.BytesIO) -> Image.Image:
    """`PIL.Image.open` for the formats of photographs alone."""
    Image.init()
    return Image.open(source, formats=[name for name in FORMATS if name in Image.OPEN])


def _rescue(path: Path) -> UInt8[np.ndarray, "height width 3"] | None:
    """What Pillow refuses though every pixel is there: a JPEG without its end marker, a PNG with large texts."""
    data = np.fromfile(path, np.uint8)
    if data[:2].tobytes() != b"\xff\xd8":
        rgb = decode_image(data)
        return None if rgb is None else _check_size(rgb, str(path))
    try:  # by Pillow, which knows orientation and colour modes, and OpenCV prints what is wrong
        with open_image(io.BytesIO(complete_jpeg(data).tobytes())) as image:
            lacks_pixels = is_flat_at_end(np.asarray(image))
            return None if lacks_pixels else _check_size(_convert_pillow(image), str(path))
    except (OSError, SyntaxError, ValueError, EOFError):
        return None


def _convert_pillow(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    turn = _ORIENTATIONS.get(_orientation(image))
    image = image if turn is None else image.transpose(turn)
    if image.mode.startswith(("I", "F")):
        return _convert_array(_normalise_single_channel(np.asarray(image)))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.ascontiguousarray(np.asarray(image.convert("RGB")))


def _orientation(image: Image.Image) -> int:
    """The orientation tag alone: cameras and editors write other EXIF tags with wrong types."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1
    return value if isinstance(value, int) else 1


def _normalise_single_channel(values: Shaped[np.ndarray, "height width"]) -> Shaped[np.ndarray, "height width"]:
    """Pillow's integer modes contain 16-bit images; its float mode [0, 1], or 8-bit values in old TIFFs."""
    if values.dtype.kind in "iu":
        return values.clip(0, 65535).astype(np.uint16)
    values = np.nan_to_num(values)
    return (values / 255 if values.max(initial=0) > 1 else values).clip(0, 1)


def _convert_array(array: Shaped[np.ndarray, "..."]) -> UInt8[np.ndarray, "height width 3"]:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ZooError(
            f"an image array must be (height, width) or (height, width, 1, 3 or 4), not {array.shape}; a tensor may "
            "have its channels first"
        )
    is_unit = array.dtype.kind == "f" and bool(((array >= 0) & (array <= 1)).all())
    if array.dtype not in (np.uint8, np.uint16, bool) and not is_unit:
        values = f" from {array.min():g} to {array.max():g}" if array.dtype.kind in "iuf" and array.size else ""
        raise ZooError(f"an image array must be uint8, uint16, bool, or floats in [0, 1], not {array.dtype}{values}")
    height, width = array.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    for row in range(0, height, _ROWS):
        rgb[row : row + _ROWS] = _convert_rows(array[row : row + _ROWS])
    return _check_size(rgb, "the image")


def _convert_rows(rows: Shaped[np.ndarray, "rows width channels"]) -> UInt8[np.ndarray, "rows width channels2"]:
    if rows.dtype == np.uint8 and rows.shape[2] != 4:
        return rows
    pixels = rows / {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(rows.dtype, 1)
    if pixels.shape[2] == 4:
        pixels = pixels[..., :3] * pixels[..., 3:] + 1 - pixels[..., 3:]
    return (pixels * 255).round().astype(np.uint8)


def _check_size(rgb: UInt8[np.ndarray, "height width 3"], name: str) -> UInt8[np.ndarray, "height width 3"]:
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise ZooError(f"{name} has {width} x {height} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed")
    return rgb
