"""Light of a scene: one key light with cast shadows, and a sky and ground that fill the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from body.shading import unit

_WARM, _COLD = np.array([1.0, 0.78, 0.55]), np.array([0.78, 0.9, 1.0])


@dataclass(frozen=True)
class Light:
    """Directions are in the world and point to the light; colours are linear RGB."""

    key: Float[np.ndarray, "3"]
    key_colour: Float[np.ndarray, "3"]
    sky_colour: Float[np.ndarray, "3"]
    ground_colour: Float[np.ndarray, "3"]
    softness: float


def draw_light(rng: np.random.Generator) -> Light:
    """A light from any side, hard or soft, warm or cold."""
    azimuth, height = rng.uniform(-np.pi, np.pi), np.deg2rad(rng.uniform(20, 80))
    key = np.array([np.cos(height) * np.sin(azimuth), np.sin(height), np.cos(height) * np.cos(azimuth)])
    warmth = rng.random()
    strength, fill = rng.uniform(0.2, 1.5), rng.uniform(0.3, 0.9)
    key_colour = (_WARM * warmth + _COLD * (1 - warmth)) * strength
    sky = (_COLD * warmth + _WARM * (1 - warmth)) * 0.5 + 0.5
    ground = rng.uniform(0.25, 0.7) * (0.7 + 0.3 * rng.random(3))
    return Light(
        key.astype(np.float32),
        key_colour.astype(np.float32),
        (sky * fill).astype(np.float32),
        (sky * ground * fill).astype(np.float32),
        float(rng.uniform(0.0, 0.03)),
    )


def radiance(
    light: Light,
    albedo: Float[np.ndarray, "rays 3"],
    gloss: Float[np.ndarray, " rays"] | None,
    normals: Float[np.ndarray, "#rays 3"],
    to_eye: Float[np.ndarray, "rays 3"] | None,
    lit: Bool[np.ndarray, " rays"],
    open_sky: Float[np.ndarray, " rays"],
) -> Float[np.ndarray, "rays 3"]:
    """Linear RGB that a surface sends to the eye; all directions are in the world, unit length.

    Args:
        light: the light.
        albedo: linear RGB.
        gloss: strength of the highlight; none at all on a matt surface.
        normals: towards the viewer's side; one for all rays on a plane.
        to_eye: from the surface to the camera, where there is gloss.
        lit: not in shadow.
        open_sky: 1 where the fill light reaches the surface freely, less in corners.
    """
    facing = np.clip(normals @ light.key, 0, 1) * lit
    up = (0.5 + 0.5 * normals[:, 1]) * open_sky
    highlight = None if gloss is None or to_eye is None else gloss * _mirrored(light, normals, to_eye) * lit
    sent = np.empty_like(albedo)
    for channel in range(3):  # numpy is slow with rows of three
        key, sky, ground = light.key_colour[channel], light.sky_colour[channel], light.ground_colour[channel]
        fill = ground * open_sky + (sky - ground) * up
        sent[:, channel] = albedo[:, channel] * (facing * key + fill)
        if highlight is not None:
            sent[:, channel] += highlight * key
    return sent


def _mirrored(
    light: Light, normals: Float[np.ndarray, "rays 3"], to_eye: Float[np.ndarray, "rays 3"]
) -> Float[np.ndarray, " rays"]:
    """Share of the key light that a glossy surface throws into the eye (Blinn's half vector)."""
    half = to_eye.copy()
    for axis, along in enumerate(half.T):
        along += light.key[axis]
    return np.clip(np.einsum("rc,rc->r", normals, unit(half)), 0, 1) ** 24


def ambient_occlusion(
    points: Float[np.ndarray, "rays 3"], blockers: Float[np.ndarray, "blockers 3"], reach: float = 0.3
) -> Float[np.ndarray, " rays"]:
    """How open the sky is above points of the ground near parts of the body: dark under feet and seats."""
    open_sky = np.ones(len(points), np.float32)
    x, y, z = np.ascontiguousarray(points.T)
    for blocker in blockers:
        squared = (x - blocker[0]) ** 2 + (y - blocker[1]) ** 2 + (z - blocker[2]) ** 2
        open_sky *= 1 - 0.45 * np.exp(-squared / reach**2)
    return open_sky
