"""The shadow on the ground, which ties people to a background that knows nothing of them."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float

from datamodules.open_v2.light.harmonics import irradiance
from datamodules.open_v2.light.light import Light
from datamodules.open_v2.render.shade import key_visibility, openness
from datamodules.open_v2.render.trace import Tracer

_STEP = 3  # pixels between the rays; shadows are soft
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


def ground_shadow(
    tracer: Tracer,
    ground: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"],
    feet: Float[np.ndarray, "people 3"],
    light: Light,
    rng: np.random.Generator,
    reach: float = 2.2,
) -> Float[np.ndarray, "size size"]:
    """Share of the light that does not reach the ground, at every pixel.

    Args:
        tracer: what casts shadows.
        ground: a point of the ground, camera frame.
        up: unit vector against gravity.
        feet: places near which there are shadows.
        light: the light.
        rng: for the rays.
        reach: metres around `feet`.
    """
    side = -(-tracer.size // _STEP)
    where = (np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) + 0.5) * _STEP - 0.5
    directions = tracer.directions(where.astype(np.float32))
    up = np.asarray(up, np.float32)
    falling = directions @ up
    height = float(np.asarray(ground) @ up)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = height / falling
    below = np.flatnonzero((falling < -1e-3) & (depth > 0.2) & (depth < 40))
    points = directions[below] * depth[below, None]
    apart = np.full(len(below), np.inf, np.float32)
    for foot in np.asarray(feet, np.float32):
        offset = points - foot
        np.minimum(apart, np.sqrt(np.einsum("rc,rc->r", offset, offset)), out=apart)
    near = np.flatnonzero(apart < reach)
    rows, points = below[near], points[near]
    shadow = np.zeros(side * side, np.float32)
    if len(rows) and not tracer.empty:
        normals = np.broadcast_to(up, points.shape)
        key = float(light.key_colour @ _LUMINANCE) * max(float(up @ light.key), 0.0)
        fill = float(irradiance(light.harmonics, (light.to_light @ up)[None])[0] @ _LUMINANCE)
        arrives = key * key_visibility(tracer, points, normals, light, rng) + fill * openness(
            tracer, points, normals, rng, rays=2
        )
        fades = np.clip((reach - apart[near]) / (0.4 * reach), 0, 1)
        shadow[rows] = (1 - arrives / max(key + fill, 1e-6)) * fades
    soft = cv2.GaussianBlur(shadow.reshape(side, side), (5, 5), 0.9)
    wide = cv2.resize(soft, (side * _STEP,) * 2, interpolation=cv2.INTER_LINEAR)[: tracer.size, : tracer.size]
    return np.asarray(wide, np.float32)
