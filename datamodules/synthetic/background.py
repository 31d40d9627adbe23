"""What is behind a person: a room, the open air, or a backdrop of shapes and noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int

from datamodules.synthetic.texture import Texture, colour, look_up, noise, related, texture

Colours = Float[np.ndarray, "rays 3"]
_HEIGHT_WITHOUT_FLOOR = 0.12  # a camera below this does not see the ground from above


@dataclass(frozen=True)
class Plane:
    """A textured plane {p: p . normal = offset} in the world; `axes` span its texture."""

    normal: Float[np.ndarray, "3"]
    offset: float
    axes: Float[np.ndarray, "2 3"]
    texture: Texture
    scale: float


@dataclass(frozen=True)
class Background:
    """Planes, and what is seen where there is none.

    Attributes:
        planes: floor and walls.
        horizon: colour of the sky at the horizon, and of far-away ground.
        zenith: colour of the sky overhead.
        clouds: brightness pattern of the sky.
        backdrop: image over the whole image instead of a sky.
    """

    planes: list[Plane]
    horizon: Float[np.ndarray, "3"]
    zenith: Float[np.ndarray, "3"]
    clouds: Float[np.ndarray, "128 128"]
    backdrop: Float[np.ndarray, "height width 3"] | None


def draw_background(
    rng: np.random.Generator, eye: Float[np.ndarray, "3"], body: Float[np.ndarray, "vertices 3"]
) -> Background:
    """A background for a person, given the camera position and the body in the world."""
    kind = str(rng.choice(["room", "outdoors", "backdrop"], p=[0.45, 0.35, 0.2]))
    horizon, zenith = colour(rng, (0.0, 0.25), (0.5, 1.0)), np.array([0.2, 0.4, 0.8]) * rng.uniform(0.3, 1.0)
    clouds = noise(rng, 2)
    planes = []
    on_floor = eye[1] > _HEIGHT_WITHOUT_FLOOR
    if on_floor and (kind != "backdrop" or rng.random() < 0.5):
        ground = texture(rng, *related(rng, 0.35, (0.25, 0.85)))
        spin = rng.uniform(0, np.pi)
        axes = np.array([[np.cos(spin), 0, np.sin(spin)], [-np.sin(spin), 0, np.cos(spin)]])
        planes.append(Plane(np.array([0.0, 1, 0]), 0.0, axes, ground, float(rng.uniform(0.2, 1.0))))
    if kind == "room":
        planes += _walls(rng, body)
    backdrop = _backdrop(rng) if kind == "backdrop" else None
    return Background(planes, horizon, zenith.astype(np.float32), clouds, backdrop)


def _walls(rng: np.random.Generator, body: Float[np.ndarray, "vertices 3"]) -> list[Plane]:
    """Two walls that meet behind the person, the room rotated at random; all lie clear of the body."""
    yaw = rng.uniform(-0.7, 0.7)
    paper = texture(rng, *related(rng, 0.4, (0.35, 0.95)))
    other = paper if rng.random() < 0.6 else texture(rng, *related(rng, 0.6, (0.1, 0.95)))
    walls = []
    side = rng.choice([-1.0, 1.0])
    for angle, image in ((yaw, paper), (yaw + side * np.pi / 2, other)):
        normal = np.array([np.sin(angle), 0, np.cos(angle)])
        offset = float((body @ normal).min() - rng.uniform(0.15, 2.5))
        axes = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, -1, 0]])
        walls.append(Plane(normal, offset, axes, image, float(rng.uniform(0.2, 0.8))))
    return walls


def _backdrop(rng: np.random.Generator) -> Float[np.ndarray, "height width 3"]:
    """Noise with random shapes on it, some of them limb-like strokes."""
    image = cv2.resize(texture(rng, colour(rng), colour(rng)), (256, 256), interpolation=cv2.INTER_CUBIC)
    image = np.ascontiguousarray(np.roll(image, rng.integers(0, 256, 2), (0, 1)).clip(0, 1))
    for _ in range(int(rng.integers(3, 25))):
        tint = tuple(float(c) for c in colour(rng))
        points = rng.integers(-40, 296, (4, 2))
        kind = rng.integers(4)
        if kind == 0:
            cv2.fillPoly(image, [points.astype(np.int32)], tint, cv2.LINE_AA)
        elif kind == 1:
            axes = tuple(int(a) for a in rng.integers(5, 60, 2))
            cv2.ellipse(image, tuple(int(a) for a in points[0]), axes, float(rng.uniform(0, 180)), 0, 360, tint, -1)
        elif kind == 2:
            ends = [tuple(int(a) for a in point) for point in points[:2]]
            cv2.line(image, ends[0], ends[1], tint, int(rng.integers(2, 30)), cv2.LINE_AA)
        else:
            corner = tuple(int(a) for a in points[0])
            opposite = tuple(int(a) for a in points[0] + rng.integers(10, 120, 2))
            cv2.rectangle(image, corner, opposite, tint, -1)
    return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 4)))


def meet_planes(
    background: Background, eye: Float[np.ndarray, "3"], rays: Float[np.ndarray, "rays 3"]
) -> tuple[Int[np.ndarray, " rays"], Float[np.ndarray, " rays"]]:
    """Which plane every world ray meets first from in front (-1 for none), and how far along."""
    nearest = np.full(len(rays), np.inf, np.float32)
    which = np.full(len(rays), -1)
    for number, plane in enumerate(background.planes):
        towards = rays @ plane.normal.astype(np.float32)
        with np.errstate(divide="ignore"):
            distance = np.float32(plane.offset - eye @ plane.normal) / towards
        better = (distance > 0) & (distance < nearest) & (towards < 0)
        np.copyto(nearest, distance, where=better)
        np.copyto(which, number, where=better)
    return which, nearest


def plane_colours(plane: Plane, points: Float[np.ndarray, "rays 3"], distance: Float[np.ndarray, " rays"]) -> Colours:
    """Albedo on a plane; far away the texture fades into its mean."""
    u, v = (points @ plane.axes.T.astype(np.float32)).T * plane.scale
    mean = plane.texture[::4, ::4].mean((0, 1))
    blur = np.clip(distance / 25, 0, 1)
    colours = look_up(plane.texture, u, v)
    for channel, average in zip(colours.T, mean, strict=True):
        channel[:] = channel * (1 - blur) + average * blur
    return colours


def far_colours(
    background: Background, rays: Float[np.ndarray, "rays 3"], pixels: Float[np.ndarray, "rays 2"]
) -> Colours:
    """Radiance where nothing is: the backdrop at image coordinates 0..1, or the sky along world rays."""
    if background.backdrop is not None:
        side = len(background.backdrop)
        where = np.clip((pixels * side).astype(np.int64), 0, side - 1)
        return background.backdrop[where[:, 1], where[:, 0]]
    length = np.sqrt(np.einsum("rc,rc->r", rays, rays))
    height = np.clip(rays[:, 1] / length, 0, 1)
    sky = background.horizon + (background.zenith - background.horizon) * np.sqrt(height)[:, None]
    column, row = ((rays[:, [0, 1]] / length[:, None]) * 200).astype(np.int64).T % 128
    cloud = np.clip(background.clouds[row, column] * 3 - 1.3, 0, 0.7)[:, None]
    return np.asarray(sky * (1 - cloud) + cloud, np.float32)
