"""Adds one ingredient of open-v2 after the other and prints what a small network then knows of LSP's photographs.

Every finished number is in FOLDER/results.json at once, so that a run that was ended goes on where it stopped. One
core needs about a minute for each number, and as long for each kind of renderings.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.open_v2_ablation.ingredients import RENDERED
from benchmarks.open_v2_ablation.pictures import Pictures, make_first_pictures, make_pictures
from benchmarks.open_v2_ablation.student import Photographs, measure, train
from benchmarks.open_v2_ablation.visits import Visits
from body.atomic import atomic_file
from datamodules.open_v2.generator import Generator

SIZE = 160
ORDER = ("poses", "clothes", "light", "backgrounds", "crowd", "visits")
ROWS = {
    "open-v1": None,
    "bodies": (),
    **{f"+ {name}": ORDER[: number + 1] for number, name in enumerate(ORDER)},
    "backgrounds alone": ("backgrounds",),
    "... + poses": ("poses", "backgrounds"),
    "... + clothes": ("poses", "clothes", "backgrounds"),
}
"""Row of the table -> the ingredients of its pictures; None: the pictures of `open-v1`. In the last rows the others are
added to people who stand before pictures."""


class Experiment:
    """The pictures and numbers of a folder.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.results = options, options.folder / "results.json"
        self.generator = Generator.from_bundle(options.bundle, SIZE)
        self.photographs = Photographs.read(options.lsp, options.photographs)

    def run(self, row: str, seed: int) -> float:
        """PCK of a row with a seed, from the folder where it is there."""
        known = json.loads(self.results.read_text()) if self.results.is_file() else {}
        key = f"{row} {seed} {self.options.samples} {self.options.visits}"
        if key not in known:
            visits = Visits(self._pictures(row), self.generator.assets.backgrounds, self._added(row), seed)
            student = train(visits, self.options.visits, self.options.imagenet, seed)
            known[key] = measure(student, self.photographs)
            with atomic_file(self.results) as partial:
                partial.write_text(json.dumps(known, indent=1))
        return float(known[key])

    def _added(self, row: str) -> tuple[str, ...]:
        return ROWS[row] or ()

    def _pictures(self, row: str) -> Pictures:
        rendered = [name for name in RENDERED if name in self._added(row)]
        name = "-".join(rendered or ["bodies"]) if ROWS[row] is not None else "open-v1"
        path = self.options.folder / f"{name}-{self.options.samples}.npz"
        if not path.is_file():
            count = self.options.samples
            first = ROWS[row] is None
            made = make_first_pictures(SIZE, count) if first else make_pictures(self.generator, rendered, count)
            made.save(path)
        return Pictures.load(path)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_v2_ablation", description=__doc__)
    parser.add_argument("folder", type=Path, help="where pictures and numbers are kept")
    parser.add_argument("--bundle", type=Path, required=True, help="of datamodules.open_v2.bundle.make_bundle")
    parser.add_argument("--imagenet", type=Path, required=True, help="timm's tf_efficientnet_lite0, a file")
    parser.add_argument("--lsp", type=Path, required=True, help="the user's own copy of LSP; nothing trains on it")
    parser.add_argument("--photographs", type=int, help="the first ones of LSP's test split only")
    parser.add_argument("--samples", type=int, default=800, help="renderings of each kind")
    parser.add_argument("--visits", type=int, default=4000, help="crops that a network learns from")
    parser.add_argument("--seeds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    """One round of all rows for every seed."""
    options = parse()
    options.folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("timm").setLevel(logging.ERROR)  # the classifier that is left out
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    experiment = Experiment(options)
    found: dict[str, list[float]] = {row: [] for row in ROWS}
    for seed in range(options.seeds):
        for row, numbers in found.items():
            numbers.append(experiment.run(row, seed))
            listed = " ".join(f"{number:.1f}" for number in numbers)
            print(f"{row:18} {np.mean(numbers):5.1f}  ({listed})", flush=True)


if __name__ == "__main__":
    main()
