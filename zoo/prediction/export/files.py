"""All files of a prediction, written atomically as a group."""

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
from zoo.prediction.export.person import Person, SourceImage, extract_person
from zoo.prediction.export.record import person_record
from zoo.prediction.export.viewer import viewer_html

MAX_DRAWN_SIDE = 1280
"""Maximum of the longer side of drawn images, pixels; larger ones are reduced, since rays are cast per pixel."""


def write_prediction(
    prediction: Prediction,
    source: SourceImage,
    boxes: Sequence[tuple[float, float, float, float]],
    folder: Path,
    model: str,
    stem: str = "",
) -> list[Path]:
    """Write every person's files into `folder`, named after the image; with a person number when there are several.

    A person gets `_overlay.png`, `_skeleton.png`, `.obj`, `.glb`, `.html` and `.json`; without a mesh there are
    no overlay and no mesh files.

    Args:
        prediction: one row per box.
        source: the image.
        boxes: one per person.
        folder: created when missing.
        model: name of the weights, recorded in the files.
        stem: first part of the files' names; the image's when empty.

    Returns:
        Paths of the files.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = stem or Path(source.name).stem or "image"
    contents: dict[str, bytes] = {}
    for number, box in enumerate(boxes):
        name = stem if len(boxes) == 1 else f"{stem}_person{number}"
        person = extract_person(prediction, number, box)
        contents |= {name + ending: content for ending, content in _person_files(person, source, model, number).items()}
    return write_files(contents, folder)


def write_files(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files by name; after a failure none of them exists, nor part of one.

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


def _person_files(person: Person, source: SourceImage, model: str, number: int) -> dict[str, bytes]:
    record = person_record(person, source, model, number)
    contents = {
        "_skeleton.png": png_bytes(draw_skeleton(person, source)),
        ".html": viewer_html(person, source, f"{source.name}, {model}").encode(),
        ".json": (json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode(),
    }
    if len(person.vertices):
        contents["_overlay.png"] = png_bytes(draw_overlay(person, source))
        contents[".obj"] = obj_text(person, model).encode()
        contents[".glb"] = glb_bytes(person)
    return contents


def draw_overlay(person: Person, source: SourceImage) -> UInt8[np.ndarray, "height width 3"]:
    """The mesh over the image."""
    pixels, scale = _downscale(source.pixels)
    camera = np.diag([scale, scale, 1.0]) @ source.intrinsics
    camera[:2, 2] += (scale - 1) / 2  # pixel centres are at integers: u' + 1/2 = scale (u + 1/2)
    left, top, right, bottom = _mesh_bounds(person.vertices, camera, pixels.shape[1], pixels.shape[0])
    drawn = pixels.copy()
    if left < right and top < bottom:
        camera[:2, 2] -= (left, top)
        part = np.ascontiguousarray(pixels[top:bottom, left:right])
        drawn[top:bottom, left:right] = mesh_overlay(part, person.vertices, person.faces, camera)
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


def draw_skeleton(person: Person, source: SourceImage) -> UInt8[np.ndarray, "height width 3"]:
    """Bones and joints over the image."""
    pixels, scale = _downscale(source.pixels)
    return skeleton_overlay(pixels, (person.joints_2d + 0.5) * scale - 0.5, person.skeleton)


def _downscale(pixels: UInt8[np.ndarray, "height width 3"]) -> tuple[UInt8[np.ndarray, "height2 width2 3"], float]:
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
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
