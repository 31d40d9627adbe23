"""All files of a prediction, written atomically as a group."""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lightning_modules.prediction import Prediction
from zoo.errors import ZooError
from zoo.prediction.export.bvh import bvh_text
from zoo.prediction.export.mesh import obj_text
from zoo.prediction.export.motion import Motion, person_motion
from zoo.prediction.export.parameters import Camera, npz_bytes
from zoo.prediction.export.person import Person, SourceImage, extract_person
from zoo.prediction.export.record import person_record
from zoo.prediction.export.scene import scene_files
from zoo.prediction.formats import DEFAULT_FORMATS, Format


def write_prediction(
    prediction: Prediction,
    source: SourceImage,
    boxes: Sequence[tuple[float, float, float, float]],
    folder: Path,
    model: str,
    stem: str = "",
    *,
    formats: Collection[Format] = DEFAULT_FORMATS,
    body: str = "none",
    scores: Sequence[float] | None = None,
) -> list[Path]:
    """Write the files of an image's people into `folder`, named after the image.

    `_overlay.png`, `_skeleton.png`, `_views.png` (from the side and from above), `.glb`, `.html`, `_rig.glb`,
    `_coco.json` and `.csv` show or hold everybody. `.obj`, `.json`, `.npz` and `.bvh` are one person's, and carry its
    number when there are several. Without a mesh there are no overlay and no mesh files.

    Args:
        prediction: one row per box.
        source: the image.
        boxes: one per person.
        folder: created when missing.
        model: name of the weights, recorded in the files.
        stem: first part of the files' names; the image's when empty.
        formats: which of the files.
        body: name of the model's body, `none` if it has none.
        scores: the detector's probability of each person; 1 when they were not detected.

    Returns:
        Paths of the files.

    Raises:
        ZooError: the folder cannot be written, or the method does not give what a format holds.
    """
    stem = stem or Path(source.name).stem or "image"
    contents: dict[str, bytes] = {}
    certain = scores or [1.0] * len(boxes)
    people = [
        extract_person(prediction, k, box, score, body)
        for k, (box, score) in enumerate(zip(boxes, certain, strict=True))
    ]
    if people:
        contents = {stem + ending: content for ending, content in scene_files(people, source, model, formats).items()}
    for number, person in enumerate(people):
        name = stem if len(people) == 1 else f"{stem}_person{number}"
        makers = _person_files(person, source, model, number)
        contents |= {name + ending: make() for kind, (ending, make) in makers.items() if kind in formats}
    return write_files(contents, folder)


class LongNameError(ZooError):
    """Of the files of one input; others can be written."""


def write_files(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files by name; after a failure none of them exists, nor part of one.

    Raises:
        ZooError: the folder cannot be written.
    """
    try:
        with moved_together(folder) as partial:
            for name, content in contents.items():
                (partial / name).write_bytes(content)
    except ValueError as error:  # a name that no file can have
        raise ZooError(f"{list(contents)!a} cannot be written ({error})") from None
    return [folder / name for name in contents]


@contextmanager
def moved_together(folder: Path) -> Iterator[Path]:
    """A folder for incomplete files, which are moved to `folder` when the block ends, and are gone if it fails.

    Raises:
        ZooError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".zoo-", dir=folder))
    except OSError as error:
        raise ZooError(f"{folder} cannot be written ({error.strerror}); name another folder with --out") from None
    try:
        yield partial
        for path in sorted(partial.iterdir()):
            path.replace(folder / path.name)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise LongNameError(f"the names of files in {folder} would be too long; rename the input") from None
        raise ZooError(f"{folder} cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _person_files(
    person: Person, source: SourceImage, model: str, number: int
) -> dict[Format, tuple[str, Callable[[], bytes]]]:
    """Files that hold one person: how the name of each ends, and what makes its content."""

    def record() -> bytes:
        text = json.dumps(person_record(person, source, model, number), indent=1, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode(errors="backslashreplace")

    def motion(kind: str) -> Motion:
        return person_motion(person, model, kind, f"person{number}")

    camera = Camera(source.intrinsics, (source.pixels.shape[1], source.pixels.shape[0]))
    makers: dict[Format, tuple[str, Callable[[], bytes]]] = {
        "json": (".json", record),
        "npz": (".npz", lambda: npz_bytes(motion("npz"), model, camera, source.name)),
        "bvh": (".bvh", lambda: bvh_text(motion("bvh")).encode()),
    }
    if len(person.vertices):
        makers["obj"] = (".obj", lambda: obj_text(person, model).encode(errors="replace"))
    return makers
