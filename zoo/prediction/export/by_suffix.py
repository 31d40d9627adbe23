"""The content of one file, chosen by its ending."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence

from zoo.errors import ZooError
from zoo.prediction.export.bvh import bvh_text
from zoo.prediction.export.mesh import glb_bytes, obj_text
from zoo.prediction.export.motion import person_motion
from zoo.prediction.export.parameters import Camera, npz_bytes
from zoo.prediction.export.person import Person, SourceImage
from zoo.prediction.export.record import person_record
from zoo.prediction.export.rig import rig_bytes
from zoo.prediction.export.sheet import draw_people
from zoo.prediction.export.table import csv_text
from zoo.prediction.export.viewer import viewer_html

_PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_MESHES = (".glb", ".obj")
_ONE_PERSON = (".obj", ".npz", ".bvh")
SUFFIXES = (*_PICTURES, ".glb", ".html", ".json", ".csv", *_ONE_PERSON)


def file_content(people: Sequence[Person], source: SourceImage, model: str, suffix: str, rig: bool = False) -> bytes:
    """What `ImagePrediction.save` writes; see there.

    Args:
        people: of the image.
        source: the image.
        model: name of the weights.
        suffix: in small letters, with its dot.
        rig: see `ImagePrediction.save`.

    Raises:
        ZooError: see `ImagePrediction.save`.
    """
    _check(people, model, suffix, rig)

    def motion(number: int = 0) -> bytes:
        return npz_bytes(person_motion(people[number], model, ".npz"), model, camera, source.name)

    camera = Camera(source.intrinsics, (source.pixels.shape[1], source.pixels.shape[0]))
    makers: dict[str, Callable[[], bytes]] = {
        ".glb": lambda: _rig(people, model) if rig else glb_bytes(people),
        ".html": lambda: viewer_html(people, source, f"{source.name}, {model}").encode(errors="replace"),
        ".json": lambda: _records(people, source, model),
        ".csv": lambda: csv_text(people).encode(),
        ".obj": lambda: obj_text(people[0], model).encode(errors="replace"),
        ".npz": motion,
        ".bvh": lambda: bvh_text(person_motion(people[0], model, ".bvh")).encode(),
    }
    return _picture(people, source, suffix) if suffix in _PICTURES else makers[suffix]()


def _check(people: Sequence[Person], model: str, suffix: str, rig: bool) -> None:
    if suffix not in SUFFIXES:
        raise ZooError(
            f"a prediction is saved as one of {' '.join(SUFFIXES)}, not as {suffix or 'a file without ending'}"
        )
    if rig and suffix != ".glb":
        raise ZooError(f"rig=True is for .glb files, not {suffix}")
    if not people and suffix not in _PICTURES and suffix not in (".json", ".csv"):
        raise ZooError(f"nobody was found in the image, so there is nothing to save as {suffix}")
    if len(people) > 1 and suffix in _ONE_PERSON:
        raise ZooError(f"{suffix} holds one person of the {len(people)}; save prediction[0], prediction[1], ...")
    if suffix in _MESHES and not rig and not len(people[0].vertices):
        advice = "; fit_parameters() and rig=True give a body" if suffix == ".glb" else ""
        raise ZooError(f"{model} predicts no mesh, which {suffix} holds{advice}")


def _rig(people: Sequence[Person], model: str) -> bytes:
    motions = [person_motion(person, model, "rig", f"person{number}") for number, person in enumerate(people)]
    return rig_bytes(motions, model)


def _records(people: Sequence[Person], source: SourceImage, model: str) -> bytes:
    records = [person_record(person, source, model, number) for number, person in enumerate(people)]
    text = json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode(errors="backslashreplace")


def _picture(people: Sequence[Person], source: SourceImage, suffix: str) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(draw_people(people, source)).save(stream, _PICTURES[suffix])
    return stream.getvalue()
