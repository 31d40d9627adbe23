"""Generators of open-v2 that leave out what has not been added yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from body.shading import unit
from datamodules.open_v2.clothes.outfits import Outfit, Worn
from datamodules.open_v2.clothes.painted import Painted
from datamodules.open_v2.generator import Generator
from datamodules.open_v2.light.light import Light
from datamodules.open_v2.poses.bank import PoseBank
from datamodules.open_v2.scene.framing import draw_window
from datamodules.open_v2.types import Layer, Person, Shot
from datamodules.synthetic.actions import ACTIONS, sample_pose

RENDERED = ("poses", "clothes", "light", "crowd")
"""Ingredients that change what is rendered, in the order in which they are added."""


class ActionPoses(PoseBank):
    """The poses of `open-v1` alone."""

    def draw(self, rng: np.random.Generator) -> tuple[Float[np.ndarray, "24 3"], str]:
        """See `PoseBank`."""
        name = list(ACTIONS)[int(rng.integers(len(ACTIONS)))]
        return sample_pose(name, rng), f"action/{name}"


class PartGenerator(Generator):
    """Makes the samples of `open-v2` of the same numbers, with some of its ingredients only.

    Without `poses` people do what they do in `open-v1`; without `clothes` their cloth is painted on the body; without
    `light` a white lamp and a white dome shine on all; without `crowd` a person is alone, with nothing around, whole,
    and in the box of its surface.

    Args:
        generator: the whole one.
        added: the ingredients.
    """

    def __init__(self, generator: Generator, added: Collection[str]) -> None:
        assets, poses = generator.assets, generator.assets.poses
        if "poses" not in added:
            poses = ActionPoses(poses.poses, poses.action, poses.names, poses.digest)
        super().__init__(replace(assets, poses=poses), generator.size, generator.seed)
        self.added = added

    def shot(self, split: str, index: int) -> Shot:
        """See `Generator`."""
        shot = super().shot(split, index)
        return shot if "crowd" in self.added else self._alone(shot, self.stream(split, index))

    def _alone(self, shot: Shot, rng: np.random.Generator) -> Shot:
        shot = replace(shot, people=shot.people[:1])
        surface = self.pose(shot)[0][0]
        plane = surface[:, :2] / surface[:, 2:]
        intrinsics = draw_window(rng, plane, whole=True).intrinsics(self.size)
        pixels = plane * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2]
        low, high = pixels.min(0), pixels.max(0)
        return replace(shot, intrinsics=intrinsics, box=np.concatenate([low, high - low]))

    def things(self, rng: np.random.Generator, shot: Shot, joints: Float[np.ndarray, "people 24 3"]) -> list[Layer]:
        """See `Generator`; what is left out is drawn, so that later draws are the same."""
        things = super().things(rng, shot, joints)
        return things if "crowd" in self.added else []

    def outfit(self, person: Person) -> Outfit:
        """See `Generator`."""
        outfit = super().outfit(person)
        if "clothes" in self.added:
            return outfit
        kinds = [self.assets.wardrobe.garments[worn.garment].kind for worn in outfit.worn]
        painted = [as_paint(worn, kind) for worn, kind in zip(outfit.worn, kinds, strict=True) if kind in _PAINTED]
        return replace(outfit, painted=(*outfit.painted, *painted), worn=())

    def light(self, rng: np.random.Generator, shot: Shot) -> Light:
        """See `Generator`."""
        light = super().light(rng, shot)
        return light if "light" in self.added else plain_light(rng, shot.up)


_PAINTED = {"top": "top", "bottom": "bottom", "overall": "bottom", "skirt": "bottom", "socks": "feet", "shoes": "feet"}


def as_paint(worn: Worn, kind: str) -> Painted:
    """A garment's cloth as paint of about the same extent (see `Painted`)."""
    if kind == "top":
        return Painted(worn.cloth, "top", 0.01, sleeve=min(worn.sleeve, 0.67), low=max(worn.low, -0.1))
    if kind in ("shoes", "socks"):
        return Painted(worn.cloth, "feet", 0.006, high=-0.92 if kind == "shoes" else -0.75)
    return Painted(worn.cloth, "bottom", 0.01, low=max(worn.low, -0.92), high=0.03)


def plain_light(rng: np.random.Generator, up: Float[np.ndarray, "3"]) -> Light:
    """A white dome and a white lamp somewhere above and before the person."""
    key = unit(np.array([rng.uniform(-1, 1), 0.0, -1.0]) + 0.8 * np.asarray(up, np.float64))
    harmonics = np.zeros((9, 3), np.float32)
    harmonics[0] = 0.5 / 0.282095
    return Light(np.eye(3, dtype=np.float32), harmonics, key.astype(np.float32), np.full(3, 0.6, np.float32), 0.02, 0.2)
