"""Crops of rendered people for training: fixed photographs of them, or other ones at every visit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from benchmarks.open_v2_ablation.pictures import PROTOCOL, Pictures
from body.camera import crop_affine, square_box
from body.skeleton import LSP14
from datamodules.augment import Augmentation
from datamodules.open_v2.augment.pixels import PixelRange, change_pixels
from datamodules.open_v2.backgrounds.views import BackgroundBank, draw_background
from datamodules.open_v2.generator import composite
from datamodules.open_v2.source import take_picture

CROP = 96
MARGIN = 1.25
_FLIPPED = Augmentation(0.0, 0.0, 0.0, 0.5, 0.0)
_CHANGED = Augmentation(0.2, 60.0, 0.6, 0.5, 0.0)
_SHIFT = 0.05  # share of the crop, standard deviation
_MIRRORED = [PROTOCOL.joints.index(LSP14.joints[LSP14.mirror[LSP14.index(joint)]]) for joint in PROTOCOL.joints]


@dataclass(frozen=True)
class Crops:
    """Training crops.

    Attributes:
        image: RGB in [0, 1].
        joints: crop pixels.
        valid: joints that lie in the crop.
    """

    image: Float[Tensor, "batch 3 size size"]
    joints: Float[Tensor, "batch joints 2"]
    valid: Bool[Tensor, "batch joints"]


class Visits:
    """Takes pictures of samples.

    Args:
        pictures: the samples.
        bank: of backgrounds.
        added: `backgrounds` puts the bank's pictures behind people instead of one colour; `visits` takes another
            photograph at every visit, before another background, and changes size, place, turn and pixels of the crop.
            Crops are always mirrored half of the time.
        seed: of everything that is drawn.
    """

    def __init__(self, pictures: Pictures, bank: BackgroundBank, added: Collection[str], seed: int) -> None:
        self._pictures, self._bank, self._added = pictures, bank, frozenset(added)
        self._rng = np.random.default_rng(seed)
        self._taken: dict[int, UInt8[np.ndarray, "size size 3"]] = {}

    def batches(self, visits: int, size: int) -> list[np.ndarray]:
        """Numbers of samples, every one as often as any other."""
        rounds = -(-visits // len(self._pictures))
        order = np.concatenate([self._rng.permutation(len(self._pictures)) for _ in range(rounds)])
        return np.split(order[: visits // size * size], visits // size)

    def crops(self, rows: np.ndarray) -> Crops:
        """A batch."""
        images, joints = zip(*(self._crop(int(row)) for row in rows), strict=True)
        image = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        places = torch.from_numpy(np.stack(joints)).float()
        if "visits" in self._added:
            cover = torch.from_numpy(draw_background(self._bank, self._rng, CROP)).permute(2, 0, 1) / 255
            image = change_pixels(image, cover.expand_as(image), PixelRange())
        return Crops(image, places, ((places > 0) & (places < CROP - 1)).all(-1))

    def _crop(self, row: int) -> tuple[UInt8[np.ndarray, "crop crop 3"], Float[np.ndarray, "joints 2"]]:
        change = (_CHANGED if "visits" in self._added else _FLIPPED).draw(self._rng)
        box = square_box(torch.from_numpy(self._pictures.box[row]), MARGIN)
        centre, side = box[:2] + box[2:] / 2, box[2:] * change.scale
        if "visits" in self._added:
            centre = centre + torch.from_numpy(self._rng.normal(0, _SHIFT, 2)).float() * box[2:]
        affine = crop_affine(torch.cat([centre - side / 2, side]), CROP, torch.tensor(change.rotation)).double().numpy()
        joints = self._pictures.joints[row] @ affine[:, :2].T + affine[:, 2]
        image = cv2.warpAffine(self._photograph(row), affine, (CROP, CROP), flags=cv2.INTER_LINEAR)
        if change.flip:
            image, joints = image[:, ::-1], (np.array([CROP - 1, 0]) + joints * [-1, 1])[_MIRRORED]
        return np.ascontiguousarray(image), joints

    def _photograph(self, row: int) -> UInt8[np.ndarray, "size size 3"]:
        foreground = self._pictures.foreground[row]
        if "visits" in self._added:
            return take_picture(foreground, self._bank, self._rng)
        if row not in self._taken:
            rng = np.random.default_rng(int(self._pictures.background_seed[row]))
            self._taken[row] = composite(foreground, self._behind(rng, len(foreground)))
        return self._taken[row]

    def _behind(self, rng: np.random.Generator, size: int) -> UInt8[np.ndarray, "size size 3"]:
        if "backgrounds" in self._added:
            return draw_background(self._bank, rng, size)
        return np.broadcast_to(rng.integers(0, 256, 3).astype(np.uint8), (size, size, 3)).copy()
