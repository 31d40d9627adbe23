"""People drawn over their image."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from body.draw import scene_overlay, skeleton_overlay
from zoo.prediction.export.person import Person, SourceImage

MAX_DRAWN_SIDE = 1280
"""Maximum of the longer side of drawn images, pixels; larger ones are reduced, since rays are cast per pixel."""
COLOURS = ((170, 190, 225), (235, 180, 130), (160, 215, 160), (215, 165, 215), (235, 220, 130), (140, 210, 215))
"""RGB of the people of an image, in turn."""


def colour_of(number: int) -> tuple[int, int, int]:
    """RGB of person `number`."""
    return COLOURS[number % len(COLOURS)]


def draw_overlay(
    people: Sequence[Person], source: SourceImage, numbers: Sequence[int] | None = None
) -> UInt8[np.ndarray, "height width 3"]:
    """The meshes over the image; nearer people hide those behind them.

    Args:
        people: with meshes.
        source: their image.
        numbers: of the people, for their colours; in order when omitted.
    """
    pixels, scale = downscale(source.pixels)
    camera = scale_intrinsics(source.intrinsics, scale).astype(np.float64)
    bounds = np.array([_mesh_bounds(one.vertices, camera, pixels.shape[1], pixels.shape[0]) for one in people])
    bounds = bounds[(bounds[:, 0] < bounds[:, 2]) & (bounds[:, 1] < bounds[:, 3])]
    drawn = pixels.copy()
    if len(bounds):
        (left, top), (right, bottom) = bounds[:, :2].min(0), bounds[:, 2:].max(0)
        camera[:2, 2] -= (left, top)
        part = np.ascontiguousarray(pixels[top:bottom, left:right])
        meshes = [(one.vertices, one.faces) for one in people]
        colours = [colour_of(number) for number in numbers or range(len(people))]
        drawn[top:bottom, left:right] = scene_overlay(part, meshes, camera, colours)
    return drawn


def _mesh_bounds(
    vertices: Float[np.ndarray, "vertices 3"], camera: Float[np.ndarray, "3 3"], width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels that the mesh may cover; only there rays are cast."""
    if vertices[:, 2].min() <= 0:
        return 0, 0, width, height
    flat = vertices @ camera.T
    corners = flat[:, :2] / flat[:, 2:]
    low, high = np.floor(corners.min(0)) - 1, np.ceil(corners.max(0)) + 2
    left, top = np.clip(low, 0, (width, height)).astype(int)
    right, bottom = np.clip(high, 0, (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def draw_skeletons(people: Sequence[Person], source: SourceImage) -> UInt8[np.ndarray, "height width 3"]:
    """Bones and joints over the image."""
    pixels, scale = downscale(source.pixels)
    for person in people:
        pixels = skeleton_overlay(pixels, (person.joints_2d + 0.5) * scale - 0.5, person.skeleton)
    return pixels


def scale_intrinsics(intrinsics: Float[np.ndarray, "3 3"], scale: float) -> Float[np.ndarray, "3 3"]:
    """Camera of an image that is made `scale` times as large: pixel centres are at integers, u' + 1/2 = s (u + 1/2)."""
    camera = np.diag([scale, scale, 1.0]) @ intrinsics
    camera[:2, 2] += (scale - 1) / 2
    return np.asarray(camera, np.float32)


def downscale(pixels: UInt8[np.ndarray, "height width 3"]) -> tuple[UInt8[np.ndarray, "height2 width2 3"], float]:
    """The image with at most `MAX_DRAWN_SIDE` pixels a side, and the factor."""
    from PIL import Image

    height, width = pixels.shape[:2]
    if max(height, width) <= MAX_DRAWN_SIDE:
        return pixels, 1.0
    scale = MAX_DRAWN_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)), scale


def png_bytes(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """An RGB image as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=2)  # a quarter of the default's time, a sixth larger
    return stream.getvalue()
