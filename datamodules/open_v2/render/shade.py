"""What surfaces make of light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datamodules.open_v2.light.harmonics import irradiance
from datamodules.open_v2.light.light import Light
from datamodules.open_v2.render.columns import dot, rows_of
from datamodules.open_v2.render.trace import Tracer

_ABOVE = 4e-3  # metres by which rays start above the surface, which is made of flat faces
_SKY_RAYS = 2
_UNDER_SKIN = np.array([1.0, 0.45, 0.3], np.float32)  # light comes out again beyond the terminator, mostly red
_rng = np.random.Generator(np.random.PCG64(1))
_BALL = _rng.standard_normal((8192, 3)).astype(np.float32)
_BALL = np.asfortranarray(_BALL / np.linalg.norm(_BALL, axis=-1, keepdims=True))


@dataclass(frozen=True)
class Surface:
    """Where rays ended; camera frame.

    Attributes:
        normals: unit.
        directions: of the rays, z = 1.
        albedo: linear RGB.
        gloss: 0 matt to 1.
        skin: 1 for skin, else 0.
    """

    normals: Float[np.ndarray, "rays 3"]
    directions: Float[np.ndarray, "rays 3"]
    albedo: Float[np.ndarray, "rays 3"]
    gloss: Float[np.ndarray, " rays"]
    skin: Float[np.ndarray, " rays"]


def radiance(surface: Surface, light: Light, reaches: Float[np.ndarray, "rays 2"]) -> Float[np.ndarray, "rays 3"]:
    """Linear RGB sent to the eye; `reaches` is the share of the key light and of the surrounding that arrives."""
    normals, albedo = surface.normals, np.asfortranarray(surface.albedo)
    fill = irradiance(light.harmonics, (light.to_light @ normals.T).T)
    open_sky = reaches[:, 1:]
    fill *= open_sky / (1 - 0.6 * albedo * (1 - open_sky))  # what is hidden sends light too, coloured alike
    cosine = (normals @ light.key)[:, None]
    wrap = light.wrap * surface.skin[:, None] * _UNDER_SKIN
    key = np.maximum((cosine + wrap) / (1 + wrap), 0)
    shade = reaches[:, :1]
    soft = shade + (1 - shade) * 0.25 * wrap
    sent = albedo * (fill + key * soft * light.key_colour)
    scale = 1 / np.sqrt(dot(surface.directions, surface.directions))
    to_eye = -surface.directions * scale[:, None]
    half = to_eye + light.key
    half /= np.sqrt(dot(half, half))[:, None]
    sharpness = 8 + 60 * surface.gloss
    peak = np.maximum(dot(normals, half), 0) ** sharpness
    lit = surface.gloss * (0.15 + 0.02 * sharpness) * peak * np.clip(cosine[:, 0] * 4, 0, 1)
    away = 1 - np.maximum(dot(normals, to_eye), 0)
    rim = np.square(np.square(away)) * away
    sheen = (0.02 + 0.35 * surface.gloss) * rim
    return sent + (lit[:, None] * shade) * light.key_colour + sheen[:, None] * fill


def key_visibility(
    tracer: Tracer,
    points: Float[np.ndarray, "rays 3"],
    normals: Float[np.ndarray, "rays 3"],
    light: Light,
    rng: np.random.Generator,
) -> Float[np.ndarray, " rays"]:
    """Share of the key light that nothing blocks; 1 where the surface looks away, which is dark without it."""
    facing = np.flatnonzero(normals @ light.key > -0.05)
    start = rows_of(points + normals * np.float32(_ABOVE), facing)
    blocked = np.zeros(len(facing), np.float32)
    rays = 1 if light.spread < 0.05 else 2
    for _ in range(rays):
        towards = light.key + np.float32(light.spread) * _scatter(len(facing), rng)
        blocked += tracer.blocked(start, towards)
    share = np.ones(len(points), np.float32)
    share[facing] = 1 - blocked / rays
    return share


def openness(
    tracer: Tracer,
    points: Float[np.ndarray, "rays 3"],
    normals: Float[np.ndarray, "rays 3"],
    rng: np.random.Generator,
    rays: int = _SKY_RAYS,
) -> Float[np.ndarray, " rays"]:
    """Cosine-weighted share of the surrounding that nothing hides."""
    start, middle = points + normals * np.float32(_ABOVE), normals * np.float32(1.02)
    blocked, aside = np.zeros(len(points), np.float32), _scatter(len(points) * rays, rng)
    for number in range(rays):
        blocked += tracer.blocked(start, middle + aside[number::rays])
    return 1 - blocked / rays


def _scatter(count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3"]:
    """Directions spread evenly over the sphere, from a table."""
    return rows_of(_BALL, (np.arange(count) * 5417 + int(rng.integers(len(_BALL)))) & (len(_BALL) - 1))
