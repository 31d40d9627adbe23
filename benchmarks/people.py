"""Prediction with 1, 8 and 64 people in one image: milliseconds a person, stage by stage, and person by person.

    python -m benchmarks.people [NAME]

The image has 1920 x 1080 pixels whoever is in it; boxes are given. `one by one` calls `zoo.predict` for each person.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from rich.console import Console
from rich.table import Table

import zoo
from benchmarks.predict import median_ms
from body.camera import default_intrinsics
from lightning_modules.base import PoseModule
from zoo.prediction import default_weights
from zoo.prediction.crops import make_crop_batch
from zoo.prediction.export.drawing import draw_overlay, draw_skeletons
from zoo.prediction.export.person import SourceImage, extract_person
from zoo.prediction.inputs import Box

SIZE = (1920, 1080)
GRIDS = {1: (1, 1), 8: (4, 2), 64: (16, 4)}


def crowd(people: int) -> tuple[UInt8[np.ndarray, "height width 3"], list[Box]]:
    """A portrait as often as asked for, side by side, and the boxes."""
    from skimage import data  # type: ignore[import-untyped]

    columns, rows = GRIDS[people]
    width, height = SIZE[0] // columns, SIZE[1] // rows
    portrait = Image.fromarray(data.astronaut()).resize((width, height))  # type: ignore[no-untyped-call]
    pixels = np.tile(np.asarray(portrait), (rows, columns, 1))
    boxes = [
        (float(x * width), float(y * height), float(width), float(height)) for y in range(rows) for x in range(columns)
    ]
    return pixels, boxes


def stages(model: PoseModule, people: int, times: int = 3) -> dict[str, float]:
    """Wall-clock milliseconds of every stage."""
    pixels, boxes = crowd(people)
    camera = default_intrinsics(*SIZE).numpy()
    batch = make_crop_batch(pixels, boxes, camera, model.crop_size)

    def network() -> Any:
        with torch.inference_mode():
            return model.predict_step(batch, 0)

    prediction, source = network(), SourceImage(pixels, camera, "crowd")

    def extract() -> list[Any]:
        return [extract_person(prediction, number, box) for number, box in enumerate(boxes)]

    drawn = extract()
    steps: dict[str, Callable[[], Any]] = {
        "crops": lambda: make_crop_batch(pixels, boxes, camera, model.crop_size),
        "network, decoding, body": network,
        "arrays": extract,
        "mesh drawn": lambda: draw_overlay(drawn, source),
        "skeletons drawn": lambda: draw_skeletons(drawn, source),
        "zoo.predict": lambda: zoo.predict(model, pixels, boxes),
        "one by one": lambda: [zoo.predict(model, pixels, [box]) for box in boxes],
    }
    return {name: median_ms(step, times)[0] for name, step in steps.items()}


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default=default_weights.NAME)
    name = parser.parse_args(arguments).name
    model = zoo.load(name).eval()
    found = {people: stages(model, people) for people in GRIDS}
    table = Table(f"{name}, ms a person", *(f"{people} in the image" for people in GRIDS))
    for stage in found[1]:
        table.add_row(stage, *(f"{spent[stage] / people:.2f}" for people, spent in found.items()))
    Console(width=110).print(table)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
