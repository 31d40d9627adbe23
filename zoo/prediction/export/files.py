"""All files of a prediction, written together or not at all."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from body.draw import mesh_overlay, skeleton_overlay
from lightning_modules.prediction import Prediction
from zoo.errors import ZooError
from zoo.prediction.export.mesh import glb_bytes, obj_text
from zoo.prediction.export.person import Person, Photo, person_of
from zoo.prediction.export.record import person_record
from zoo.prediction.export.viewer import viewer_html

LONGEST_PICTURE = 1280
"""Longer side of the drawn pictures in pixels; larger photos are drawn smaller, since every pixel costs rays."""


def write_prediction(
    prediction: Prediction, photo: Photo, boxes: Sequence[tuple[float, float, float, float]], folder: Path, model: str
) -> list[Path]:
    """Write every person's files into `folder`, named after the photo; a person number is added when there are several.

    A person gets `_overlay.png`, `_skeleton.png`, `.obj`, `.glb`, `.html` and `.json`; methods without a mesh leave
    out the overlay and the mesh files.

    Args:
        prediction: one row per box.
        photo: the picture.
        boxes: as asked for.
        folder: made when it does not exist.
        model: name of the weights, kept in the files.

    Returns:
        Paths of the files.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = Path(photo.name).stem or "image"
    contents: dict[str, bytes] = {}
    for number, box in enumerate(boxes):
        name = stem if len(boxes) == 1 else f"{stem}_person{number}"
        person = person_of(prediction, number, box)
        contents |= {name + ending: content for ending, content in _contents(person, photo, model, number).items()}
    return write_together(contents, folder)


def write_together(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files by name so that a failure on the way leaves none of them behind, nor half of one.

    Raises:
        ZooError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".zoo-", dir=folder))
    except OSError as error:
        raise ZooError(f"{folder} cannot be written ({error.strerror}); name another folder with --out") from None
    try:
        for name, content in contents.items():
            (partial / name).write_bytes(content)
        for name in contents:
            (partial / name).replace(folder / name)
    except OSError as error:
        raise ZooError(f"{folder} cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return [folder / name for name in contents]


def _contents(person: Person, photo: Photo, model: str, number: int) -> dict[str, bytes]:
    record = person_record(person, photo, model, number)
    contents = {
        "_skeleton.png": png_bytes(draw_skeleton(person, photo)),
        ".html": viewer_html(person, photo, f"{photo.name}, {model}").encode(),
        ".json": (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(),
    }
    if len(person.vertices):
        contents["_overlay.png"] = png_bytes(draw_overlay(person, photo))
        contents[".obj"] = obj_text(person, model).encode()
        contents[".glb"] = glb_bytes(person)
    return contents


def draw_overlay(person: Person, photo: Photo) -> UInt8[np.ndarray, "height width 3"]:
    """The mesh over the photo."""
    pixels, scale = _shrunk(photo.pixels)
    camera = np.diag([scale, scale, 1.0]) @ photo.intrinsics
    camera[:2, 2] += (scale - 1) / 2  # pixel centres are at integers: u' + 1/2 = scale (u + 1/2)
    left, top, right, bottom = _window(person.vertices, camera, pixels.shape[1], pixels.shape[0])
    drawn = pixels.copy()
    if left < right and top < bottom:
        camera[:2, 2] -= (left, top)
        part = np.ascontiguousarray(pixels[top:bottom, left:right])
        drawn[top:bottom, left:right] = mesh_overlay(part, person.vertices, person.faces, camera)
    return drawn


def _window(
    vertices: Float[np.ndarray, "vertices 3"], camera: Float[np.ndarray, "3 3"], width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels that the mesh may cover; rays elsewhere would meet nothing."""
    if vertices[:, 2].min() <= 0:
        return 0, 0, width, height
    flat = vertices @ camera.T
    corners = flat[:, :2] / flat[:, 2:]
    low, high = np.floor(corners.min(0)) - 1, np.ceil(corners.max(0)) + 2
    left, top = np.clip(low, 0, (width, height)).astype(int)
    right, bottom = np.clip(high, 0, (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def draw_skeleton(person: Person, photo: Photo) -> UInt8[np.ndarray, "height width 3"]:
    """Bones and joints over the photo."""
    pixels, scale = _shrunk(photo.pixels)
    return skeleton_overlay(pixels, (person.joints_2d + 0.5) * scale - 0.5, person.skeleton)


def _shrunk(pixels: UInt8[np.ndarray, "height width 3"]) -> tuple[UInt8[np.ndarray, "height2 width2 3"], float]:
    from PIL import Image

    height, width = pixels.shape[:2]
    if max(height, width) <= LONGEST_PICTURE:
        return pixels, 1.0
    scale = LONGEST_PICTURE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)), scale


def png_bytes(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """An RGB picture as PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
