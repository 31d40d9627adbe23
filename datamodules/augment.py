"""Random changes of training samples. Geometry and colour are drawn here; `crop` applies the geometry."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True)
class Change:
    """What happens to one sample.

    Attributes:
        scale: the crop window grows by this factor.
        rotation: radians by which the scene rotates about the optical axis (x towards y); the crop follows.
        flip: mirror the image and swap left and right.
        colour: factor of every channel.
        photometric_seed: seed of blur, noise and compression; None leaves them out.
        occluder: (x, y, width, height) in shares of the crop, painted over; None for none.
        occluder_seed: seed of what is painted there.
    """

    scale: float = 1.0
    rotation: float = 0.0
    flip: bool = False
    colour: Float[np.ndarray, "3"] = field(default_factory=lambda: np.ones(3, np.float32))
    photometric_seed: int | None = None
    occluder: Float[np.ndarray, "4"] | None = None
    occluder_seed: int = 0


NO_CHANGE = Change()


@dataclass(frozen=True)
class Augmentation:
    """How much samples may change; the defaults are those of I2L-MeshNet's released training code.

    Attributes:
        scale: largest relative change of the crop window.
        rotation_degrees: largest in-plane rotation; the standard deviation is half of it.
        rotation_probability: share of samples that are rotated at all.
        flip_probability: share of mirrored samples.
        colour: largest relative change of a colour channel.
        photometric_probability: share of samples that get blur, noise or compression (albumentations).
        occlusion_probability: share of samples with a rectangle of noise over them.
    """

    scale: float = 0.25
    rotation_degrees: float = 60.0
    rotation_probability: float = 0.6
    flip_probability: float = 0.5
    colour: float = 0.2
    photometric_probability: float = 0.0
    occlusion_probability: float = 0.0

    def draw(self, rng: np.random.Generator) -> Change:
        """A random change."""
        rotate = rng.random() < self.rotation_probability
        degrees = self.rotation_degrees / 2 * (float(np.clip(rng.normal(), -2, 2)) if rotate else 0.0)
        occluder = None
        if rng.random() < self.occlusion_probability:
            extent = rng.uniform(0.1, 0.45, 2)
            occluder = np.concatenate([rng.uniform(0, 1 - extent), extent])
        photometric = rng.random() < self.photometric_probability
        return Change(
            scale=1 + self.scale * float(np.clip(rng.normal(), -1, 1)),
            rotation=float(np.deg2rad(degrees)),
            flip=bool(rng.random() < self.flip_probability),
            colour=rng.uniform(1 - self.colour, 1 + self.colour, 3).astype(np.float32),
            photometric_seed=int(rng.integers(2**31)) if photometric else None,
            occluder=occluder,
            occluder_seed=int(rng.integers(2**31)),
        )


DEFAULT_AUGMENTATION = Augmentation()


def change_colours(image: UInt8[np.ndarray, "size size 3"], change: Change) -> UInt8[np.ndarray, "size size 3"]:
    """The photometric part of a change, on a crop; returns a new image or the same one when nothing changes."""
    if change.photometric_seed is not None:
        photometric = _photometric()
        photometric.set_random_seed(change.photometric_seed)
        image = photometric(image=image)["image"]
    if change.occluder is not None:
        image = _occlude(image, change.occluder, change.occluder_seed)
    if (change.colour != 1).any():
        tables = np.clip(np.rint(np.arange(256)[:, None] * change.colour), 0, 255).astype(np.uint8)
        image = cv2.LUT(image, tables[None])
    return image


def _occlude(
    image: UInt8[np.ndarray, "size size 3"], share: Float[np.ndarray, "4"], seed: int
) -> UInt8[np.ndarray, "size size 3"]:
    left, top, width, height = np.rint(share * len(image)).astype(int)
    image = image.copy()
    patch = image[top : top + height, left : left + width]
    rng = np.random.default_rng(seed)
    patch[:] = np.clip(rng.integers(0, 256, 3) + rng.normal(0, 25, patch.shape), 0, 255).astype(np.uint8)
    return image


@cache
def _photometric() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the network for news otherwise
    import albumentations

    return albumentations.Compose(
        [
            albumentations.OneOf(
                [albumentations.GaussianBlur(blur_limit=(3, 5)), albumentations.MotionBlur(blur_limit=(3, 5))], p=0.4
            ),
            albumentations.RandomBrightnessContrast(p=0.5),
            albumentations.GaussNoise(std_range=(0.02, 0.08), p=0.4),
            albumentations.ImageCompression(quality_range=(30, 90), p=0.4),
        ]
    )
