"""Small tileable textures for walls, floors, clothes and things, and colours to paint them with."""

from __future__ import annotations

import colorsys
from functools import cache

import cv2
import numpy as np
from jaxtyping import Float

SIDE = 128
Texture = Float[np.ndarray, "128 128 3"]
KINDS = ("plain", "noise", "tiles", "planks", "bricks", "stripes", "checks", "dots")


def colour(
    rng: np.random.Generator, saturation: tuple[float, float] = (0.0, 0.8), value: tuple[float, float] = (0.05, 0.9)
) -> Float[np.ndarray, "3"]:
    """A linear RGB albedo of random hue."""
    hsv = (rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return np.asarray(colorsys.hsv_to_rgb(*hsv), np.float32) ** 2.2


def related(
    rng: np.random.Generator, saturation: float, value: tuple[float, float]
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Two colours that go together, as walls and floors are painted: mostly pale, of near hues."""
    hue, dull = rng.random(), saturation * rng.random() ** 1.5
    first, second = rng.uniform(*value, 2)
    if rng.random() < 0.6:  # low contrast
        second = first * rng.uniform(0.7, 1.0)
    near = (hue + rng.normal(0, 0.08)) % 1
    pair = [(hue, dull, first), (near, min(dull * rng.uniform(0.3, 1.3), 1.0), second)]
    light, dark = (np.asarray(colorsys.hsv_to_rgb(*hsv), np.float32) ** 2.2 for hsv in pair)
    return light, dark


def noise(rng: np.random.Generator, coarsest: int = 4) -> Float[np.ndarray, "128 128"]:
    """Tileable cloud noise of mean 0.5 in [0, 1]; the octaves double from `coarsest` (2, 4, 8 or 16) cells a side."""
    fields = _noise_fields(coarsest)
    number = int(rng.integers(len(fields)))
    down, across = rng.integers(0, SIDE, 2)
    return fields[number][SIDE - down : 2 * SIDE - down, SIDE - across : 2 * SIDE - across]


@cache
def _noise_fields(coarsest: int) -> list[Float[np.ndarray, "256 256"]]:
    rng = np.random.Generator(np.random.PCG64(coarsest))
    return [np.tile(_make_noise(rng, coarsest), (2, 2)) for _ in range(16)]  # each twice, so that shifts are views


def _make_noise(rng: np.random.Generator, coarsest: int, finest: int = 64) -> Float[np.ndarray, "128 128"]:
    total, weight, cells = np.zeros((SIDE, SIDE), np.float32), 0.0, coarsest
    while cells <= finest:
        grid = np.pad(rng.random((cells, cells), np.float32), 2, mode="wrap")
        scale = SIDE // cells
        octave = cv2.resize(grid, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        total += octave[2 * scale : -2 * scale, 2 * scale : -2 * scale] / cells**0.7
        weight += 1 / cells**0.7
        cells *= 2
    return (total / weight).clip(0, 1)


_STEPS = np.arange(SIDE).astype(np.float32) / SIDE


def pattern(kind: str, rng: np.random.Generator) -> Float[np.ndarray, "128 128"]:
    """How much of the second colour there is at every texel."""
    x, y = _STEPS[None], _STEPS[:, None]
    count = int(rng.integers(2, 9))
    if kind == "noise":
        return ((noise(rng, int(2 ** rng.integers(1, 5))) - 0.5) * rng.uniform(1, 4) + 0.5).clip(0, 1)
    if kind == "tiles":
        return ((x * count % 1 < 0.06) | (y * count % 1 < 0.06)).astype(np.float32)
    if kind == "planks":
        boards = np.repeat(rng.random(8).astype(np.float32), SIDE // 8)[None] + (x * 8 % 1 < 0.05) * 0.5
        return np.broadcast_to(boards, (SIDE, SIDE))
    if kind == "bricks":
        row = np.floor(y * 2 * count)
        return (((x * count + row % 2 / 2) % 1 < 0.06) | (y * 2 * count % 1 < 0.1)).astype(np.float32)
    if kind == "stripes":
        share = rng.uniform(0.2, 0.6)
        stripes = ((x if rng.random() < 0.4 else y) * count % 1 < share).astype(np.float32)
        return np.broadcast_to(stripes, (SIDE, SIDE))
    if kind == "checks":
        share = rng.uniform(0.3, 0.6)
        return ((x * count % 1 < share) * 0.5 + (y * count % 1 < share) * 0.5).astype(np.float32)
    if kind == "dots":
        return ((x * count % 1 - 0.5) ** 2 + (y * count % 1 - 0.5) ** 2 < 0.07).astype(np.float32)
    return np.zeros((SIDE, SIDE), np.float32)


def texture(
    rng: np.random.Generator,
    first: Float[np.ndarray, "3"],
    second: Float[np.ndarray, "3"],
    kinds: tuple[str, ...] = KINDS,
) -> Texture:
    """A tileable albedo of two colours in one of the patterns, with uneven dirt on it."""
    share = pattern(kinds[int(rng.integers(len(kinds)))], rng)
    share = np.broadcast_to(share, (SIDE, SIDE))
    dirt = 1 + rng.uniform(0.1, 0.7) * (noise(rng) - 0.5)
    planes = (a * (1 - share) + b * share for a, b in zip(first, second, strict=True))
    return np.stack([plane.astype(np.float32) * dirt for plane in planes], -1)


def look_up(
    texture: Float[np.ndarray, "128 128 *any"], u: Float[np.ndarray, " rays"], v: Float[np.ndarray, " rays"]
) -> Float[np.ndarray, "..."]:
    """Nearest texel, a number or a colour; coordinates 0..1 span the texture once and repeat."""
    column = np.floor(u * SIDE).astype(np.int64) & (SIDE - 1)
    row = np.floor(v * SIDE).astype(np.int64) & (SIDE - 1)
    return texture.reshape(SIDE * SIDE, *texture.shape[2:]).take(row * SIDE + column, 0)
