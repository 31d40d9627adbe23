"""What the page does with an upload: files in a folder of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lightning_modules.base import PoseModule
from zoo.checkpoints.listing import read_checkpoints
from zoo.checkpoints.load import load
from zoo.checkpoints.store import find_converted
from zoo.documents.resources import weights_folder
from zoo.errors import ZooError
from zoo.prediction import default_weights
from zoo.prediction.formats import Format
from zoo.prediction.predict import body_name, fitted_body_name, predict
from zoo.prediction.result import ImagePrediction
from zoo.prediction.sources import VIDEO_ENDINGS

MAX_SECONDS = 10.0
"""Of a clip."""


@dataclass(frozen=True)
class Shown:
    """What the page shows of an upload; None for what it has not.

    Attributes:
        summary: one line.
        picture: with side and top view.
        clip: overlay video.
        model: GLB.
        downloads: all files.
    """

    summary: str
    picture: Path | None
    clip: Path | None
    model: Path | None
    downloads: list[Path]


def ready_weights() -> list[str]:
    """Names of the weights that load without a download, the methods' defaults first, of these `default_weights`.

    Those of methods that need labels or give depths are none.
    """
    entries = sorted(
        (entry for entry in read_checkpoints().values() if entry.method != "rootnet"),
        key=lambda entry: (not entry.default, entry.method != default_weights.NAME),
    )
    return [
        entry.name
        for entry in entries
        if (entry.file and (weights_folder() / entry.file).is_file()) or find_converted(entry) is not None
    ]


def show(upload: str | None, weights: str, parameters: bool, folder: Path) -> Shown:
    """Predict a picture or a clip, and write its files.

    Args:
        upload: path of the file.
        weights: one of `ready_weights`.
        parameters: also pose and shape, fitted where the method gives none.
        folder: for the files.

    Raises:
        ZooError: nothing was uploaded, it cannot be read, or there is nobody in it.
    """
    if not upload:
        raise ZooError("drop a picture or a clip first")
    if weights not in ready_weights():
        raise ZooError(f"no weights {weights!r}; there are {', '.join(ready_weights())}")
    path = Path(upload)
    if path.suffix.lower() in VIDEO_ENDINGS:
        return _show_clip(path, weights, parameters, folder)
    people = predict(_model(weights), path, boxes="found")
    if not len(people):
        raise ZooError(f"{path.name}: no person found; take a picture in which people are larger or clearer")
    return _show_picture(people, parameters, folder, path.stem)


def _show_picture(people: ImagePrediction, parameters: bool, folder: Path, stem: str) -> Shown:
    has_mesh = people.vertices is not None
    people = people.fit_parameters() if parameters or not has_mesh else people
    sheet, model = folder / f"{stem}_views.png", folder / f"{stem}.glb"
    folder.mkdir(parents=True, exist_ok=True)
    people.plot().save(sheet)
    people.save(model, rig=not has_mesh)
    files = [sheet, model, *(people.save(folder / f"{stem}{ending}") for ending in (".html", ".json", ".csv"))]
    if parameters:
        files.append(people.save(folder / f"{stem}_rig.glb", rig=True))
        for number in range(len(people)):
            files += [people[number].save(folder / f"{stem}_person{number}{ending}") for ending in (".bvh", ".npz")]
    errors = None if people.smpl is None else people.smpl.fit_error_mm
    fit = "" if errors is None else f"; the fitted body is {errors.mean():.0f} mm from the prediction on average"
    return Shown(f"{_count(len(people))} by {people.weights}{fit}", sheet, None, model, files)


def _show_clip(path: Path, weights: str, parameters: bool, folder: Path) -> Shown:
    from zoo.prediction.detect.finders import Detector
    from zoo.prediction.video.predict import VideoSettings
    from zoo.prediction.video.reader import VideoReader
    from zoo.prediction.video.run import write_video
    from zoo.prediction.video.source import file_source

    model = _model(weights)
    body = fitted_body_name(model) if parameters else body_name(model)
    moving: tuple[Format, ...] = ("rig", "bvh", "npz") if parameters else ()
    formats: tuple[Format, ...] = ("overlay", "html", "json", "csv", *moving)
    with VideoReader(file_source(path), MAX_SECONDS) as reader:
        done = write_video(
            model, weights, reader, Detector(0.5), VideoSettings(), folder, path.stem, formats, body, parameters
        )
    files = sorted(file for file in folder.iterdir() if file.is_file())
    clip, rig = (next((file for file in files if file.suffix == ending), None) for ending in (".mp4", ".glb"))
    problem = f"; {done.problem}" if done.problem else ""
    summary = f"{done.frames} frames, {_count(done.people)} by {weights}{problem}"
    return Shown(summary, None, clip, rig, files)


def _count(people: int) -> str:
    return "1 person" if people == 1 else f"{people} people"


@lru_cache(maxsize=2)
def _model(weights: str) -> PoseModule:
    return load(weights)
