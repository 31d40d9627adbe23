"""A split of `open-v2` that is rendered and cached: foregrounds, before which any background can be put."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from body.open_body import DATA_FILE
from datamodules.open_v2.generator import BACKGROUNDS, LIGHT, POSES, WARDROBE, Generator
from datamodules.open_v2.poses.bank import load_pose_bank
from datamodules.open_v2.scene.shots import VERSION, draw_shot
from datamodules.synthetic.cache import LABELS, Record, Split, encode_jpeg, encode_png

_DRAWN = 64  # samples whose drawn numbers are in the fingerprint
BUNDLE = (WARDROBE, POSES, LIGHT, BACKGROUNDS)


@dataclass(frozen=True)
class PhotoSplit(Split):
    """Which samples, and the folder of packed files that they are made from (`bundle.make_bundle`)."""

    bundle: Path

    version: ClassVar[str] = VERSION

    def fingerprint(self) -> str:
        """Hash of the version, the open body, the packed files, and the numbers drawn for the first samples."""
        return _fingerprint(self)

    def actions(self) -> tuple[str, ...]:
        """Everything that the pose bank calls its poses."""
        return _actions(self.bundle)

    def generator(self) -> Generator:
        """What makes the samples."""
        return Generator.from_bundle(self.bundle, self.size, self.seed)

    def record(self, generator: Any, index: int) -> Record:
        """The foreground's colours as a picture; its coverage is the fourth channel beside part and coordinates."""
        sample = generator.make(self.name, index)
        labels = {key: np.asarray(getattr(sample, key), np.float32) for key in LABELS}
        labels["action"] = np.asarray(self.actions().index(sample.action), np.int16)
        labels["background_seed"] = np.asarray(sample.background_seed, np.int64)
        surface = np.concatenate([sample.iuv, sample.foreground[..., 3:]], -1)
        return encode_jpeg(sample.foreground[..., :3]), encode_png(surface), labels


@cache
def _actions(bundle: Path) -> tuple[str, ...]:
    return load_pose_bank(bundle / POSES).actions


@cache
def _fingerprint(split: PhotoSplit) -> str:
    digest = hashlib.sha256(f"{VERSION} {split.seed} {split.name} {split.samples} {split.size}".encode())
    for path in (DATA_FILE, *(split.bundle / name for name in BUNDLE)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    bank = load_pose_bank(split.bundle / POSES)
    for index in range(min(split.samples, _DRAWN)):
        shot = draw_shot(bank, split.seed, split.name, index, split.size)
        person = shot.people[0]
        numbers = np.concatenate([person.pose.ravel(), person.betas, person.transl, shot.intrinsics.ravel(), shot.box])
        digest.update(np.rint(numbers * 1e4).astype("<i8").tobytes())
    return digest.hexdigest()
