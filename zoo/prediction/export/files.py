"""All files of a prediction, written atomically as a group."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_modules.prediction import Prediction
from zoo.errors import ZooError
from zoo.prediction.export.drawing import draw_overlay, draw_skeleton, png_bytes
from zoo.prediction.export.mesh import glb_bytes, obj_text
from zoo.prediction.export.person import Person, SourceImage, extract_person
from zoo.prediction.export.record import person_record
from zoo.prediction.export.scene import scene_files
from zoo.prediction.export.viewer import viewer_html


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
    no overlay and no mesh files. Several people also get one `_overlay.png`, `_views.png` (from the side and from
    above), `.glb` and `.html` together.

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
    people = [extract_person(prediction, number, box) for number, box in enumerate(boxes)]
    if len(people) > 1:
        contents = {stem + ending: content for ending, content in scene_files(people, source, model).items()}
    for number, person in enumerate(people):
        name = stem if len(boxes) == 1 else f"{stem}_person{number}"
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
        ".html": viewer_html([person], source, f"{source.name}, {model}").encode(errors="replace"),
        ".json": (json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode(
            errors="backslashreplace"
        ),
    }
    if len(person.vertices):
        contents["_overlay.png"] = png_bytes(draw_overlay([person], source))
        contents[".obj"] = obj_text(person, model).encode(errors="replace")
        contents[".glb"] = glb_bytes([person])
    return contents
