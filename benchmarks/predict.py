"""`zoo predict`: where the time of a picture goes, the command's run against the obvious loop, and frames a second.

The obvious loop takes one picture and one person after the other: the detector, the network and the drawing for each,
four rays for every pixel of the picture, PNG as Pillow writes it by default. Files are the command's. Beside wall-clock
time stands the CPU time of all threads, which says more on a busy machine.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from rich.console import Console
from rich.table import Table

import zoo
from benchmarks.crossing import CROSSING, RATE, SIZE, render, walk
from body.camera import default_intrinsics
from body.draw import skeleton_overlay
from body.raycast import RayScene, Window, camera_rays, interpolate
from body.shading import headlight, vertex_normals
from lightning_modules.base import PoseModule
from zoo.prediction import default_weights
from zoo.prediction.crops import make_crop_batch
from zoo.prediction.detect.finders import Detector
from zoo.prediction.detect.people import find_people
from zoo.prediction.export import SourceImage, write_prediction
from zoo.prediction.export.drawing import draw_overlay, draw_skeletons
from zoo.prediction.export.files import write_files
from zoo.prediction.export.person import Person, extract_person
from zoo.prediction.folder import FolderRun
from zoo.prediction.formats import Format
from zoo.prediction.images import read_image
from zoo.prediction.sources import find_sources
from zoo.prediction.video.predict import VideoSettings

PICTURES = 12
MODEL = default_weights.NAME


def portrait(people: int) -> UInt8[np.ndarray, "height width 3"]:
    """A photograph of 640 x 480 pixels with one person, or the same one several times."""
    from skimage import data  # type: ignore[import-untyped]

    whole: UInt8[np.ndarray, "side side 3"] = data.astronaut()  # type: ignore[no-untyped-call]
    one = Image.fromarray(whole).resize((SIZE[0] // people, SIZE[1]))
    return np.concatenate([np.asarray(one)] * people, 1)


def stages(model: PoseModule, folder: Path) -> dict[str, tuple[float, float]]:
    """Wall-clock and CPU milliseconds of every stage for a picture with one person."""
    path = folder / "one.jpg"
    Image.fromarray(portrait(1)).save(path, quality=92)
    pixels = read_image(path)
    boxes = [person.box for person in find_people([pixels])[0]]
    camera = default_intrinsics(*SIZE).numpy()
    batch = make_crop_batch(pixels, boxes, camera, model.crop_size, model.crop_margin)
    with torch.inference_mode():
        prediction = model.predict_step(batch, 0)
    source = SourceImage(pixels, camera, path.name)
    person = extract_person(prediction, 0, boxes[0])

    def network() -> None:
        with torch.inference_mode():
            model.predict_step(batch, 0)

    def draw() -> None:
        draw_overlay([person], source)
        draw_skeletons([person], source)

    steps: dict[str, Callable[[], Any]] = {
        "decode": lambda: read_image(path),
        "detect": lambda: find_people([pixels]),
        "crop": lambda: make_crop_batch(pixels, boxes, camera, model.crop_size, model.crop_margin),
        "network": network,
        "draw": draw,
        "draw and write": lambda: write_prediction(prediction, source, boxes, folder, MODEL),
    }
    spent = {name: median_ms(step) for name, step in steps.items()}
    whole, drawn = spent.pop("draw and write"), spent["draw"]
    spent["write"] = whole[0] - drawn[0], whole[1] - drawn[1]
    return spent | {"sum": (sum(one for one, _ in spent.values()), sum(one for _, one in spent.values()))}


def median_ms(step: Callable[[], Any], times: int = 7) -> tuple[float, float]:
    """Median wall-clock and CPU milliseconds, after a first run."""
    step()
    spent = [1000 * np.array(seconds_of(step)) for _ in range(times)]
    wall, cpu = np.median(spent, axis=0)
    return float(wall), float(cpu)


def plain_overlay(person: Person, source: SourceImage) -> UInt8[np.ndarray, "height width 3"]:
    """One person over the picture, with four rays for every pixel."""
    height, width = source.pixels.shape[:2]
    directions = camera_rays(source.intrinsics, Window(-0.25, -0.25, 2 * width, 2 * height, 0.5))
    hits = RayScene([(person.vertices, person.faces)]).cast(np.zeros_like(directions), directions)
    normals = interpolate(vertex_normals(person.vertices, person.faces), person.faces, hits)
    light = headlight(normals, directions)[:, None] * np.array([170, 190, 225], np.float32)
    layers = np.where((hits.mesh >= 0)[:, None], np.c_[light, np.ones(len(light))], 0)
    layers = layers.reshape(height, 2, width, 2, 4).mean((1, 3))
    return np.rint(source.pixels * (1 - 0.85 * layers[..., 3:]) + 0.85 * layers[..., :3]).astype(np.uint8)


def obvious_loop(model: PoseModule, folder: Path, out: Path) -> None:
    """Picture by picture and person by person."""
    for path in sorted(folder.glob("*.jpg")):
        pixels = read_image(path)
        source = SourceImage(pixels, default_intrinsics(pixels.shape[1], pixels.shape[0]).numpy(), path.name)
        for number, found in enumerate(find_people([pixels])[0]):
            prediction = zoo.predict(model, pixels, [found.box])
            person = extract_person(prediction, 0, found.box)
            stem = f"{path.stem}_person{number}"
            kept: tuple[Format, ...] = ("obj", "glb", "html", "json")
            write_prediction(prediction, source, [found.box], out, MODEL, stem, formats=kept)
            skeleton = skeleton_overlay(pixels, person.joints_2d, person.skeleton)
            drawn = {"overlay": plain_overlay(person, source), "skeleton": skeleton}
            write_files({f"{stem}_{kind}.png": _png(image) for kind, image in drawn.items()}, out)


def _png(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def seconds_of(run: Callable[[], Any]) -> tuple[float, float]:
    """Wall-clock and CPU seconds of a run whose prints are not shown."""
    start, cpu = time.perf_counter(), time.process_time()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        run()
    return time.perf_counter() - start, time.process_time() - cpu


def command(model: PoseModule, path: Path, out: Path) -> int:
    """What `zoo predict PATH --out OUT` does once the model is loaded."""
    work = FolderRun(model, MODEL, out, "benchmark", again=True)
    return work.run(find_sources([str(path)]), Detector(0.5), VideoSettings())


def main() -> None:
    """Measure and print."""
    console, model = Console(), zoo.load(MODEL).eval()
    console.print(f"zoo predict, {MODEL}, 640 x 480, CPU, {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = Table("stage, one picture of one person", "milliseconds", "CPU milliseconds")
        for stage, spent in stages(model, folder).items():
            table.add_row(stage, *(f"{value:.1f}" for value in spent))
        console.print(table)
        table = Table(
            f"{PICTURES} pictures", "the obvious loop, s a picture (CPU)", "zoo predict", "times faster (CPU)"
        )
        for people in (1, 2):
            pictures = folder / f"of{people}"
            pictures.mkdir()
            for number in range(PICTURES):
                Image.fromarray(portrait(people)).save(pictures / f"{number}.jpg", quality=92)
            runs = partial(obvious_loop, model, pictures, folder / "plain"), partial(command, model, pictures, folder)
            plain, ours = (np.array(seconds_of(run)) / PICTURES for run in runs)
            cells = [f"{wall:.3f} ({cpu:.3f})" for wall, cpu in (plain, ours)]
            table.add_row(f"of {people}", *cells, "{:.2f} ({:.2f})".format(*(plain / ours)))
        console.print(table)
        table = Table("video of 640 x 480, overlay and numbers", "frames a second", "CPU milliseconds a frame")
        for people in (1, 2):
            clip = folder / f"clip{people}.mp4"
            render([walk(*one, frames=2 * RATE) for one in CROSSING[:people]], clip)
            wall, cpu = seconds_of(partial(command, model, clip, folder / "video"))
            table.add_row(f"of {people}", f"{2 * RATE / wall:.1f}", f"{1000 * cpu / 2 / RATE:.0f}")
        console.print(table)


if __name__ == "__main__":
    main()
