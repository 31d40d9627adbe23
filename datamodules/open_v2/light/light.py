"""Light of a picture: the surrounding as spherical harmonics, and one key light with a soft shadow.

Convention:
    The light's frame has y up; `to_light` of a picture turns camera-frame directions into it. Directions point to the
    light. Colours are linear RGB; key colours and harmonics are such that a white matt surface sends out
    `key_colour * cos + irradiance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from body.shading import unit
from datamodules.open_v2.light.environment import Environment
from datamodules.open_v2.light.harmonics import basis

_WARM, _NEUTRAL, _COLD = np.array([1.0, 0.72, 0.45]), np.array([1.0, 0.95, 0.9]), np.array([0.75, 0.88, 1.0])
_KINDS = ("environment", "sun", "overcast", "room", "gym", "window", "flash", "low sun", "night")
_SHARES = (0.34, 0.22, 0.07, 0.09, 0.08, 0.06, 0.06, 0.05, 0.03)


@dataclass(frozen=True)
class Light:
    """See the module.

    Attributes:
        to_light: rows are the axes of the light's frame in the camera frame.
        harmonics: coefficients of the surrounding's radiance, without the key light.
        key: direction of the key light, camera frame.
        key_colour: what a white surface that faces the key light sends out.
        spread: tangent of the key light's half angle; large lights make soft shadows.
        wrap: how far light runs beyond the terminator on skin.
    """

    to_light: Float[np.ndarray, "3 3"]
    harmonics: Float[np.ndarray, "9 3"]
    key: Float[np.ndarray, "3"]
    key_colour: Float[np.ndarray, "3"]
    spread: float
    wrap: float


def draw_light(rng: np.random.Generator, up: Float[np.ndarray, "3"], environments: Sequence[Environment]) -> Light:
    """A light for a camera that sees gravity's opposite at `up`."""
    kind = str(rng.choice(_KINDS, p=_SHARES))
    if kind == "environment" and not environments:
        kind = "sun"
    if kind == "environment":
        chosen = environments[int(rng.integers(len(environments)))]
        strength = np.exp(rng.normal(0, 0.3))
        surround, key, colour, spread = chosen.harmonics, chosen.key, chosen.key_colour * strength, chosen.spread
    else:
        surround, key, colour, spread = _made_up(rng, kind)
    turned = _frame(rng, np.asarray(up, np.float64), key if kind == "flash" else None)
    in_camera = np.array([0.15, -0.1, -1.0]) if kind == "flash" else key @ turned
    tint = 1 + rng.normal(0, 0.04, 3)
    return Light(
        turned.astype(np.float32),
        (surround * tint).astype(np.float32),
        unit(in_camera).astype(np.float32),
        (colour * tint).astype(np.float32),
        float(np.clip(spread * np.exp(rng.normal(0, 0.3)), 0.005, 0.6)),
        float(rng.uniform(0.1, 0.4)),
    )


def _frame(
    rng: np.random.Generator, up: Float[np.ndarray, "3"], flash: Float[np.ndarray, "3"] | None
) -> Float[np.ndarray, "3 3"]:
    """Axes of a frame with y up, turned by chance about it."""
    azimuth = rng.uniform(-np.pi, np.pi) if flash is None else 0.0
    ahead = np.array([0.0, 0.0, 1.0])
    right = unit(np.cross(up, ahead - up * (ahead @ up) + 1e-6))
    forward = np.cross(right, up)
    x = np.cos(azimuth) * right + np.sin(azimuth) * forward
    return np.stack([x, up, np.cross(x, up)])


def _towards(rng: np.random.Generator, low: int | float, high: int | float) -> Float[np.ndarray, "3"]:
    azimuth, height = rng.uniform(-np.pi, np.pi), np.deg2rad(rng.uniform(low, high))
    return np.array([np.cos(height) * np.sin(azimuth), np.sin(height), np.cos(height) * np.cos(azimuth)])


def _dome(sky: Float[np.ndarray, "3"], ground: Float[np.ndarray, "3"]) -> Float[np.ndarray, "9 3"]:
    """Radiance that goes from `ground` below to `sky` above as (1 + sin height) / 2."""
    surround = np.zeros((9, 3))
    surround[0] = (sky + ground) / 2 / 0.282095
    surround[2] = (sky - ground) / 2 / 0.488603
    return surround


def _lamp(direction: Float[np.ndarray, "3"], colour: Float[np.ndarray, "3"]) -> Float[np.ndarray, "9 3"]:
    """A small light of which a facing white surface sends out about `colour`."""
    return basis(direction[None])[0][:, None] * colour * np.pi * 0.9


def _made_up(
    rng: np.random.Generator, kind: str
) -> tuple[Float[np.ndarray, "9 3"], Float[np.ndarray, "3"], Float[np.ndarray, "3"], float]:
    """Surrounding, direction, colour and spread of the key light."""
    ground = rng.uniform(0.08, 0.35) * (1 + rng.normal(0, 0.15, 3))
    warmth = rng.random()
    if kind == "sun":
        sky = _COLD * rng.uniform(0.15, 0.5)
        return _dome(sky, ground * 0.8), _towards(rng, 25, 75), _NEUTRAL * rng.uniform(0.8, 2.4), 0.015
    if kind == "low sun":
        sky = (_COLD * warmth + _WARM * (1 - warmth)) * rng.uniform(0.15, 0.4)
        return _dome(sky, ground * 0.5), _towards(rng, 4, 25), _WARM * rng.uniform(0.7, 1.6), 0.03
    if kind == "overcast":
        sky = (_COLD * 0.5 + 0.5) * rng.uniform(0.7, 1.0)
        return _dome(sky, ground), _towards(rng, 50, 90), _NEUTRAL * rng.uniform(0.05, 0.25), 0.5
    if kind == "flash":
        dim = rng.uniform(0.02, 0.25)
        return _dome(_WARM * dim, ground * dim * 2), np.array([0.1, 0.1, 1.0]), _NEUTRAL * 0.9, 0.03
    white = _WARM * warmth + _COLD * (1 - warmth) if kind == "night" else _NEUTRAL * (0.9 + 0.1 * rng.random(3))
    surround = _dome(white * rng.uniform(0.15, 0.4), white * ground * 0.8)
    lamps = int(rng.integers(1, 4)) if kind != "gym" else 4
    for _ in range(lamps):
        direction = _towards(rng, 35, 85) if kind != "window" else _towards(rng, 0, 35)
        surround = surround + _lamp(direction, white * rng.uniform(0.05, 0.3))
    low, high = (5, 35) if kind == "window" else (40, 85)
    strength = rng.uniform(0.4, 1.0) if kind in ("window", "night") else rng.uniform(0.2, 0.7)
    return surround, _towards(rng, low, high), white * strength, 0.35 if kind == "window" else 0.12
