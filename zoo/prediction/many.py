"""Predictions for many image files in one process: decoded ahead, and batched over people and images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from zoo.errors import ZooError
from zoo.prediction.ahead import read_ahead
from zoo.prediction.crops import join_batches, make_crop_batch
from zoo.prediction.detect.people import FoundPerson
from zoo.prediction.export import SourceImage
from zoo.prediction.images import read_image
from zoo.prediction.inputs import Box, check_boxes, intrinsics_from_focal, resolve_intrinsics
from zoo.prediction.predict import predict_crops
from zoo.prediction.sources import SourceFile

_GROUP_PIXELS = 50_000_000
"""Images of a group are read until they have this many pixels, 150 MB: memory is bounded, however large they are."""

BoxFinder = Callable[[Sequence[tuple[Path, UInt8[np.ndarray, "_ _ 3"]]]], list[list[FoundPerson] | None]]
"""The people of some images; None for the whole frame without a margin."""


Readable = tuple[SourceFile, UInt8[np.ndarray, "_ _ 3"] | ZooError]
"""An image, or why there is none."""
_AHEAD = 3
"""Images that are decoded ahead."""


@dataclass(frozen=True)
class Predicted:
    """What became of an image.

    Attributes:
        file: the image.
        people: predictions and boxes of its people, one row each; empty when none was found, or after an error.
        source: the image as it was read; None if it could not be.
        error: one line, or None.
        scores: of the people; 1 where the box was given.
    """

    file: SourceFile
    people: Sequence[tuple[Prediction, Box]] = ()
    source: SourceImage | None = None
    error: str | None = None
    scores: Sequence[float] = ()


def predict_files(
    model: PoseModule, files: Iterable[SourceFile], find_boxes: BoxFinder, focal: float | None, batch_size: int
) -> Iterator[Predicted]:
    """Predict image files in their order: `predict_images` of what they hold."""
    yield from predict_images(model, read_ahead(map(_read, files), _AHEAD), find_boxes, focal, batch_size)


def predict_images(
    model: PoseModule, images: Iterator[Readable], find_boxes: BoxFinder, focal: float | None, batch_size: int
) -> Iterator[Predicted]:
    """Predict images in their order. What cannot be read or predicted is reported, and the rest goes on.

    Args:
        model: from `zoo.load`.
        images: with their files' names, or why they could not be read.
        find_boxes: says where people are.
        focal: of all images, pixels; 60 degrees across the longer side when None.
        batch_size: people per batch of the network, and images per batch of the detector.
    """
    for group in _groups(images, batch_size):
        readable = [(file, pixels) for file, pixels in group if isinstance(pixels, np.ndarray)]
        found = iter(find_boxes([(file.path, pixels) for file, pixels in readable]) if readable else ())
        tasks: list[_Task | Predicted] = []
        for file, pixels in group:
            try:
                tasks.append(
                    _task(file, pixels, next(found), focal)
                    if isinstance(pixels, np.ndarray)
                    else Predicted(file, error=str(pixels))
                )
            except ZooError as error:
                tasks.append(Predicted(file, error=f"{file.path}: {error}"))
        done = iter(_predict_tasks(model, [task for task in tasks if isinstance(task, _Task)], batch_size))
        for task in tasks:
            yield task if isinstance(task, Predicted) else next(done)


@dataclass(frozen=True)
class _Task:
    """An image with its people's boxes, checked; `whole` images are cropped without a margin."""

    file: SourceFile
    source: SourceImage
    boxes: list[Box]
    whole: bool
    scores: list[float]


def _task(
    file: SourceFile, pixels: UInt8[np.ndarray, "h w 3"], found: list[FoundPerson] | None, focal: float | None
) -> _Task:
    height, width = pixels.shape[:2]
    given = None if focal is None else intrinsics_from_focal(focal, width, height)
    source = SourceImage(pixels, resolve_intrinsics(given, pixels), file.path.name, intrinsics_given=given is not None)
    if found is None:
        return _Task(file, source, check_boxes(None, width, height), True, [1.0])
    boxes = check_boxes([person.box for person in found], width, height) if found else []
    return _Task(file, source, boxes, False, [person.score for person in found])


def _predict_tasks(model: PoseModule, tasks: Sequence[_Task], batch_size: int) -> list[Predicted]:
    """All people of all tasks in batches; one image at a time when that fails, to learn which it was."""
    people = [(number, box) for number, task in enumerate(tasks) for box in task.boxes]
    try:
        rows: list[Prediction] = []
        for start in range(0, len(people), batch_size):
            rows += _predict_people(model, tasks, people[start : start + batch_size])
    except ZooError as error:
        if len(tasks) == 1:
            return [Predicted(tasks[0].file, error=f"{tasks[0].file.path}: {error}")]
        return [_predict_tasks(model, [task], batch_size)[0] for task in tasks]
    answers: list[list[tuple[Prediction, Box]]] = [[] for _ in tasks]
    for (number, box), row in zip(people, rows, strict=True):
        answers[number].append((row, box))
    return [
        Predicted(task.file, answer, task.source, scores=task.scores)
        for task, answer in zip(tasks, answers, strict=True)
    ]


def _predict_people(model: PoseModule, tasks: Sequence[_Task], people: Sequence[tuple[int, Box]]) -> list[Prediction]:
    parts = [(tasks[number], [box for _, box in some]) for number, some in groupby(people, lambda one: one[0])]

    def crops(reader: PoseModule) -> Batch:
        margins = [1.0 if task.whole else reader.crop_margin for task, _ in parts]
        return join_batches(
            [
                make_crop_batch(task.source.pixels, boxes, task.source.intrinsics, reader.crop_size, margin)
                for (task, boxes), margin in zip(parts, margins, strict=True)
            ]
        )

    prediction = predict_crops(model, crops)
    return [prediction[number] for number in range(len(people))]


def _read(file: SourceFile) -> Readable:
    try:
        return file, read_image(file.path)
    except ZooError as error:
        return file, error


def _groups(images: Iterator[Readable], batch_size: int) -> Iterator[list[Readable]]:
    group: list[Readable] = []
    for file, pixels in images:
        group.append((file, pixels))
        size = sum(one.size // 3 for _, one in group if isinstance(one, np.ndarray))
        if len(group) >= batch_size or size > _GROUP_PIXELS:
            yield group
            group = []
    if group:
        yield group
