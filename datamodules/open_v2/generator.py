"""Makes sample i of a split of `open-v2`: a foreground that any background can be put behind, and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, Real, UInt8

from body.load import load_body
from body.model import BodyModel
from body.skeleton import COCO17, H36M17, SMPL29
from body.uv import SurfaceCharts
from datamodules.open_v2.backgrounds.views import BackgroundBank, draw_background, load_backgrounds, match
from datamodules.open_v2.clothes.dressing import dress
from datamodules.open_v2.clothes.outfits import Outfit, draw_outfit
from datamodules.open_v2.clothes.skinning import joint_transforms, skinned
from datamodules.open_v2.clothes.wardrobe import Wardrobe, load_wardrobe
from datamodules.open_v2.light.environment import Environment, load_environments
from datamodules.open_v2.light.light import Light, draw_light
from datamodules.open_v2.poses.bank import PoseBank, load_pose_bank
from datamodules.open_v2.render.folds import Folds
from datamodules.open_v2.render.ground import ground_shadow
from datamodules.open_v2.render.render import encode, exposure, render
from datamodules.open_v2.render.surface import SurfaceMapper
from datamodules.open_v2.render.trace import Tracer
from datamodules.open_v2.scene.shots import draw_shot
from datamodules.open_v2.scene.things import draw_things
from datamodules.open_v2.sensor import expose
from datamodules.open_v2.types import Layer, Person, Sample, Shot
from datamodules.synthetic.generator import OPEN_SKELETON
from datamodules.synthetic.rng import SPLITS

WARDROBE, POSES, LIGHT, BACKGROUNDS = "wardrobe.npz", "poses.npz", "environments.npz", "backgrounds.npz"
_STREAM = 210  # apart from the streams of open-v1 and of the shots


@dataclass(frozen=True)
class Assets:
    """What pictures are made from, read from packed files."""

    wardrobe: Wardrobe
    poses: PoseBank
    environments: tuple[Environment, ...]
    backgrounds: BackgroundBank


class Generator:
    """Makes samples.

    Args:
        assets: see `Generator.from_bundle` and `bundle.make_bundle`.
        size: side of the square pictures, pixels.
        seed: seed of the benchmark.
    """

    def __init__(self, assets: Assets, size: int = 256, seed: int = 0) -> None:
        self.assets, self.size, self.seed = assets, size, seed
        self.model: BodyModel = load_body("open")
        template, weights = self.model.v_template.numpy(), self.model.lbs_weights.numpy()
        self.faces = np.asarray(self.model.faces, np.int64)
        charts = SurfaceCharts.of(template, self.faces, weights, self.model.regressor.numpy() @ template)
        self._surface = SurfaceMapper(charts, self.faces)
        self._template, self._weights = template, weights
        self._shapes = self.model.shapedirs.numpy().reshape(-1, self.model.shapedirs.shape[-1])
        regressor = self.model.regressor.numpy()
        self._joints = (regressor @ template).astype(np.float64)
        self._joint_shapes = np.einsum("jv,vcs->jcs", regressor, self.model.shapedirs.numpy()).reshape(72, -1)
        skeletons = (SMPL29, H36M17, COCO17)
        rows = []
        for joint in OPEN_SKELETON.joints:
            skeleton = next(s for s in skeletons if joint in s.joints)
            rows.append(self.model.joint_regressor(skeleton.name)[skeleton.index(joint)])
        self._regressor = torch.stack(rows).numpy()

    @classmethod
    def from_bundle(cls, folder: Path, size: int = 256, seed: int = 0) -> Generator:
        """A generator that needs nothing but the files of `bundle.make_bundle`.

        Raises:
            FileNotFoundError: one of the files is missing.
        """
        missing = [name for name in (WARDROBE, POSES, LIGHT, BACKGROUNDS) if not (folder / name).is_file()]
        if missing:
            raise FileNotFoundError(f"{folder} has no {', '.join(missing)}; make it with datamodules.open_v2.bundle")
        assets = Assets(
            load_wardrobe(folder / WARDROBE),
            load_pose_bank(folder / POSES),
            load_environments(folder / LIGHT),
            load_backgrounds(folder / BACKGROUNDS),
        )
        return cls(assets, size, seed)

    def make(self, split: str, index: int) -> Sample:
        """Sample `index` of a split; the same for every call, process and order."""
        shot = self.shot(split, index)
        rng = self.stream(split, index)
        bodies, transforms = self.pose(shot)
        layers, owners = self._dress(shot, bodies, transforms)
        layers += self.things(rng, shot, transforms_to_joints(self.model, bodies))
        light = self.light(rng, shot)
        tracer = Tracer(layers, shot.intrinsics, self.size)
        picture = render(tracer, layers, light, rng, Folds.draw(rng, len(layers)))
        shadow = ground_shadow(tracer, shot.ground, shot.up, _feet(shot, bodies), light, rng)
        foreground = encode(picture, shadow, exposure(picture, rng))
        own = layers[: owners.count(0)]
        iuv = self._surface.iuv(picture.pixels, picture.seen, own, bodies[0], shot.intrinsics, self.size)
        subject = shot.people[0]
        return Sample(
            foreground,
            iuv,
            subject.pose,
            subject.betas,
            subject.transl,
            shot.intrinsics,
            self._regressor @ bodies[0],
            shot.box,
            subject.action,
            int(rng.integers(2**31)),
        )

    def picture(
        self, sample: Sample, background: UInt8[np.ndarray, "size size 3"] | None, rng: np.random.Generator
    ) -> UInt8[np.ndarray, "size size 3"]:
        """A photograph (RGB) of a sample before a background, taken anew; None is the sample's own background."""
        if background is None:
            background = self.background(np.random.Generator(np.random.PCG64(sample.background_seed)))
        gains = match(sample.foreground, background, rng)
        return expose(composite(sample.foreground, background * gains), rng)

    def background(self, rng: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
        """A background of the bundle."""
        return draw_background(self.assets.backgrounds, rng, self.size)

    def shot(self, split: str, index: int) -> Shot:
        """Who stands where before which camera."""
        return draw_shot(self.assets.poses, self.seed, split, index, self.size)

    def outfit(self, person: Person) -> Outfit:
        """What a person looks like and wears."""
        return draw_outfit(self.assets.wardrobe, person.outfit_seed, person.betas)

    def things(self, rng: np.random.Generator, shot: Shot, joints: Float[np.ndarray, "people 24 3"]) -> list[Layer]:
        """What stands around people, and what they hold and sit on; `joints` are SMPL's."""
        return draw_things(rng, shot, joints)

    def light(self, rng: np.random.Generator, shot: Shot) -> Light:
        """Light of the picture."""
        return draw_light(rng, shot.up, self.assets.environments)

    def stream(self, split: str, index: int) -> np.random.Generator:
        """The random numbers of a sample's light, things and rays."""
        key = (_STREAM, SPLITS[split], index)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key)))

    def pose(self, shot: Shot) -> tuple[Float[np.ndarray, "people vertices 3"], Float[np.ndarray, "people 24 3 4"]]:
        """Bare bodies, and the transforms of their joints without the translation (linear blend skinning)."""
        bodies, carried = [], []
        for person in shot.people:
            betas = np.asarray(person.betas, np.float32)
            rest = self._template + (self._shapes @ betas).reshape(-1, 3)
            joints = self._joints + (self._joint_shapes @ betas).reshape(-1, 3)
            transforms = joint_transforms(person.pose, joints, self.model.parents)
            bodies.append(skinned(self._weights, transforms, rest) + np.asarray(person.transl, np.float32))
            carried.append(transforms)
        return np.stack(bodies), np.stack(carried)

    def _dress(
        self,
        shot: Shot,
        bodies: Float[np.ndarray, "people vertices 3"],
        transforms: Float[np.ndarray, "people 24 3 4"],
    ) -> tuple[list[Layer], list[int]]:
        layers, owners = [], []
        for number, person in enumerate(shot.people):
            outfit = self.outfit(person)
            worn = dress(self.assets.wardrobe, outfit, person, bodies[number], transforms[number])
            layers += worn
            owners += [number] * len(worn)
        return layers, owners


def transforms_to_joints(
    model: BodyModel, bodies: Float[np.ndarray, "people vertices 3"]
) -> Float[np.ndarray, "people 24 3"]:
    """SMPL's joints of posed bodies, where the regressor sees them."""
    return np.asarray(model.regressor.numpy() @ bodies)


def composite(
    foreground: UInt8[np.ndarray, "size size 4"], background: Real[np.ndarray, "size size 3"]
) -> UInt8[np.ndarray, "size size 3"]:
    """A premultiplied foreground before a background."""
    behind = background if background.dtype == np.uint8 else cv2.convertScaleAbs(background)
    clear = cv2.cvtColor(255 - foreground[..., 3], cv2.COLOR_GRAY2RGB)
    shown = cv2.multiply(behind, clear, scale=1 / 255)
    return np.asarray(cv2.add(np.ascontiguousarray(foreground[..., :3]), shown), np.uint8)


def _feet(shot: Shot, bodies: Float[np.ndarray, "people vertices 3"]) -> Float[np.ndarray, "people 3"]:
    """Points of the ground below every person."""
    centres = bodies[:, ::50].mean(1)
    return centres - ((centres - shot.ground) @ shot.up)[:, None] * shot.up
