"""How many samples a second one core loads of every benchmark, what the time goes into, and what a large index costs.

Images are made up, in the sizes of the real ones; labels are random numbers in the real joint sets.
"""

from __future__ import annotations

import cProfile
import multiprocessing
import os
import pstats
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from body.load import load_body
from body.skeleton import get_skeleton
from body.surface_renderer import SurfaceRenderer
from datamodules.annotations import AnnotatedSource, Annotations
from datamodules.augment import DEFAULT_AUGMENTATION
from datamodules.base import CropDataset, collate, rest_root
from datamodules.columns import CategoricalColumn, StringColumn
from datamodules.settings import CropSettings

# benchmark -> width and height of its images, height of a person in them, joint set, whether there are fits
PHOTOGRAPHS: dict[str, tuple[int, int, int, str, bool]] = {
    "human36m": (1000, 1002, 500, "h36m18", True),
    "3dpw": (1080, 1920, 900, "smpl24", True),
    "mpi_inf_3dhp": (2048, 2048, 1000, "mpi_inf_3dhp28", False),
    "humaneva": (659, 494, 300, "humaneva15", False),
    "muco": (2048, 2048, 800, "mpi_inf_3dhp17", True),
    "surreal": (320, 240, 180, "smpl24", True),
    "up3d": (500, 500, 350, "lsp14", True),
    "lsp_extended": (450, 450, 200, "lsp14", False),
    "mpii": (1280, 720, 400, "mpii16", False),
    "coco": (640, 480, 250, "coco17", True),
    "freihand": (224, 224, 130, "mano21", False),
}
_CROP, _SURFACE = 256, 56


def made_up(name: str, rows: int, images: int = 8) -> Annotations:
    """Labels of a benchmark's kind, over a few images called `0.jpg`, `1.jpg`, ..."""
    width, height, person, skeleton, fits = PHOTOGRAPHS[name]
    rng, joints = np.random.default_rng(0), len(get_skeleton(skeleton))
    points = rng.normal(0, 0.4, (rows, joints, 3)).astype(np.float32) + np.array([0, 0, 5], np.float32)
    smpl: dict[str, Any] = {
        "pose": rng.normal(0, 0.2, (rows, 24, 3)).astype(np.float32),
        "betas": rng.normal(0, 1, (rows, 10)).astype(np.float32),
        "transl": np.tile(np.array([0, 0, 5], np.float32), (rows, 1)),
        "smpl_valid": np.ones(rows, bool),
    }
    focal = 2.5 * person  # somebody of two metres, five metres away
    return Annotations(
        skeleton=get_skeleton(skeleton),
        images=StringColumn.of([f"{row % images}.jpg" for row in range(rows)]),
        intrinsics=np.tile(np.array([focal, focal, width / 2, height / 2], np.float32), (rows, 1)),
        boxes=np.tile(
            np.array([(width - person / 2) / 2, (height - person) / 2, person / 2, person], np.float32), (rows, 1)
        ),
        joints=points,
        joints_valid=np.ones((rows, joints), bool),
        frames=np.arange(rows, dtype=np.int32),
        subjects=CategoricalColumn.constant("S1", rows),
        **(smpl if fits else {}),
    )


def write_photographs(folder: Path, width: int, height: int, count: int = 8) -> None:
    """JPEGs about as hard to decode as real ones: shapes of all sizes, and noise."""
    rng = np.random.default_rng(1)
    for number in range(count):
        image = rng.normal(0, 6, (height, width, 3))
        for cells in (4, 16, 64):
            coarse = rng.normal(0, 90 / np.log2(cells), (cells, cells, 3))
            image += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        content = np.clip(image + 128, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), content, [cv2.IMWRITE_JPEG_QUALITY, 92])


def dataset_of(name: str, folder: Path, rows: int, surface: bool = False) -> CropDataset:
    """Augmented crops of the made-up benchmark, as training has them."""
    skeleton = PHOTOGRAPHS[name][3]
    settings = CropSettings(skeleton=skeleton, size=_CROP, iuv_size=_SURFACE, render_iuv=surface)
    body = load_body("open")
    renderers = {"neutral": SurfaceRenderer(body)} if surface else None
    source = AnnotatedSource(made_up(name, rows), folder)
    return CropDataset(source, settings, DEFAULT_AUGMENTATION, {"neutral": rest_root(body)}, renderers)


def seconds_each(dataset: CropDataset, samples: int) -> tuple[float, float]:
    """CPU seconds of a sample, and of decoding its image alone."""
    dataset[0]
    start = time.process_time()
    for index in range(samples):
        dataset[index]
    whole = (time.process_time() - start) / samples
    source = dataset.source
    assert isinstance(source, AnnotatedSource)
    start = time.process_time()
    for index in range(samples):
        source.read(source.root / source.table.images[index])
    return whole, (time.process_time() - start) / samples


def speeds(samples: int) -> None:
    """Print the rate of every benchmark, and the share of decoding."""
    print(f"loaders: samples per second of one core, decode + crop {_CROP} px + augment")
    for name, (width, height, *_, fits) in PHOTOGRAPHS.items():
        with _selected_images(name) as folder:
            whole, decoding = seconds_each(dataset_of(name, folder, samples), samples)
            line = f"  {name:<14} {width:>4} x {height:<4} {1 / whole:7.0f} /s {1e3 * whole:6.2f} ms"
            line += f", of which decoding {1e3 * decoding:6.2f} ms"
            if fits:
                drawn, _ = seconds_each(dataset_of(name, folder, samples, surface=True), samples)
                line += f"; IUV at {_SURFACE} px adds {1e3 * (drawn - whole):.2f} ms"
            print(line)


def profile(name: str = "coco", samples: int = 200, shown: int = 12) -> None:
    """Print where the time of one loader goes."""
    with _selected_images(name) as folder:
        dataset, profiler = dataset_of(name, folder, samples), cProfile.Profile()
        dataset[0]
        profiler.enable()
        for index in range(samples):
            dataset[index]
        profiler.disable()
    entries = sorted(pstats.Stats(profiler).stats.items(), key=lambda entry: -entry[1][2])  # type: ignore[attr-defined]
    total = sum(numbers[2] for _, numbers in entries)
    print(f"loaders: where the time of {name} goes")
    for (file, line, function), numbers in entries[:shown]:
        place = function if file == "~" else f"{Path(file).name}:{line} {function}"
        print(f"  {numbers[2] / total:6.1%}  {numbers[0] / samples:5.1f} calls a sample  {place[:70]}")


def memory(rows: int, workers: int = 2, batches: int = 20) -> tuple[float, float, float]:
    """MB of the labels, and of what every worker has for itself and as its share (USS and PSS), on average.

    Raises:
        RuntimeError: this system does not say (only Linux does).
    """
    with _selected_images("surreal") as folder:
        dataset = dataset_of("surreal", folder, rows)
        source = dataset.source
        assert isinstance(source, AnnotatedSource)
        loader = DataLoader(dataset, 32, shuffle=True, num_workers=workers, collate_fn=collate, persistent_workers=True)
        batch = iter(loader)
        for _ in range(min(batches, len(loader))):
            next(batch)
        used = [_private_and_share(child.pid or 0) for child in multiprocessing.active_children()]
        del batch, loader
    columns = source.table.columns().values()
    arrays = [vars(one).values() if not isinstance(one, np.ndarray) else [one] for one in columns]
    labels = sum(part.nbytes for group in arrays for part in group if isinstance(part, np.ndarray)) / 1e6
    private, share = np.mean(used, axis=0)
    return labels, float(private), float(share)


def _private_and_share(process: int) -> tuple[float, float]:
    path = Path(f"/proc/{process}/smaps_rollup")
    if not path.is_file():
        raise RuntimeError(f"no {path}: memory is measured on Linux only")
    words = [line.split() for line in path.read_text().splitlines()[1:]]
    kilobytes = {word[0].rstrip(":"): float(word[1]) for word in words}
    return (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) / 1e3, kilobytes["Pss"] / 1e3


@contextmanager
def _selected_images(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), *PHOTOGRAPHS[name][:2])
        yield Path(folder)


def main(samples: int = 100, rows: int = 1_000_000) -> None:
    """Print rates (CPU time, so that other work on the machine matters little), a profile, and memory."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    speeds(samples)
    profile(samples=samples)
    if not Path(f"/proc/{os.getpid()}/smaps_rollup").is_file():
        return
    print("loaders: memory of a worker, two workers, SURREAL's labels")
    for count in (1000, rows):
        labels, private, share = memory(count)
        print(f"  {count:>9,} rows, labels {labels:7.1f} MB: own {private:7.1f} MB, share of all {share:7.1f} MB")


if __name__ == "__main__":
    main()
