"""Samples of one kind, rendered once and kept: foregrounds, joints in the image, boxes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from benchmarks.open_v2_ablation.ingredients import PartGenerator
from body.atomic import atomic_file
from body.skeleton import OPEN36
from datamodules.open_v2.generator import Generator
from datamodules.open_v2.types import Sample
from datamodules.synthetic.generator import Generator as FirstGenerator
from datamodules.synthetic.generator import Sample as FirstSample
from metrics import get_protocol

PROTOCOL = get_protocol("lsp-test-2d")
_COLUMNS = [
    OPEN36.index(joint if joint in OPEN36.joints else dict(PROTOCOL.aliases_of(OPEN36))[joint])
    for joint in PROTOCOL.joints
]


@dataclass(frozen=True)
class Pictures:
    """Rendered people, of which any photograph can be taken.

    Attributes:
        foreground: premultiplied RGB and coverage; whole pictures are covered everywhere.
        joints: the protocol's, pixels.
        box: (x, y, width, height), pixels.
        background_seed: of each sample's own background.
    """

    foreground: UInt8[np.ndarray, "samples size size 4"]
    joints: Float[np.ndarray, "samples joints 2"]
    box: Float[np.ndarray, "samples 4"]
    background_seed: Int[np.ndarray, " samples"]

    def __len__(self) -> int:
        return len(self.box)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        with atomic_file(path) as partial, partial.open("wb") as file:
            np.savez(file, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Pictures:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**stored)


def make_pictures(whole: Generator, added: Collection[str], samples: int) -> Pictures:
    """The first training samples of `open-v2` with some of its ingredients."""
    generator = PartGenerator(whole, added)
    made = [generator.make("train", index) for index in range(samples)]
    seeds = np.array([sample.background_seed for sample in made])
    return _stacked([sample.foreground for sample in made], made, seeds)


def make_first_pictures(size: int, samples: int) -> Pictures:
    """The first training samples of `open-v1`, backgrounds and all."""
    generator = FirstGenerator(size)
    made = [generator.make("train", index) for index in range(samples)]
    covered = [np.dstack([sample.image, np.full((size, size), 255, np.uint8)]) for sample in made]
    return _stacked(covered, made, np.zeros(samples, np.int64))


def _stacked(
    foregrounds: list[UInt8[np.ndarray, "size size 4"]], made: Sequence[Sample | FirstSample], seeds: np.ndarray
) -> Pictures:
    joints = np.stack([_projected(sample) for sample in made])
    box = np.stack([sample.box for sample in made]).astype(np.float32)
    return Pictures(np.stack(foregrounds), joints, box, seeds)


def _projected(sample: Sample | FirstSample) -> Float[np.ndarray, "joints 2"]:
    flat = sample.joints[_COLUMNS] @ np.asarray(sample.intrinsics).T
    return np.asarray(flat[:, :2] / flat[:, 2:], np.float32)
