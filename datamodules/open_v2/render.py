"""From layers and a light to a picture with coverage: deferred, every pass over all rays of a kind at once.

One ray a pixel, four where something ends; light that others take away (cast shadows, occlusion of the surrounding) is
found on the pixel grid and smoothed, since real lights are large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from datamodules.open_v2.folds import Folds
from datamodules.open_v2.light import Light
from datamodules.open_v2.shade import Surface, key_visibility, openness, radiance
from datamodules.open_v2.trace import Seen, Tracer
from datamodules.open_v2.types import Layer

_CORNERS = np.array([[-0.125, -0.375], [0.375, -0.125], [-0.375, 0.125], [0.125, 0.375]], np.float32)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Picture:
    """A rendered foreground and what the pixel centres see.

    Attributes:
        colour: linear RGB times coverage.
        coverage: share of every pixel that something covers.
        seen: of all pixel centres, row-major.
    """

    colour: Float[np.ndarray, "size size 3"]
    coverage: Float[np.ndarray, "size size"]
    seen: Seen


def render(tracer: Tracer, layers: Sequence[Layer], light: Light, rng: np.random.Generator, folds: Folds) -> Picture:
    """Shade everything that the tracer sees; `layers` are those that it was made of."""
    size = tracer.size
    near = np.flatnonzero(tracer.near())
    grid = _centres(near, size)
    seen = _everywhere(tracer.cast(grid), near, size * size)
    edges = np.flatnonzero(_edges(seen, size))
    inner = np.flatnonzero((seen.layer >= 0) & ~_mask(edges, size * size))
    finer = (_centres(edges, size)[:, None] + _CORNERS).reshape(-1, 2)
    places = np.concatenate([_centres(inner, size), finer])
    rays = _join(_take(seen, inner), tracer.cast(finer))
    pixel = np.concatenate([inner, np.repeat(edges, len(_CORNERS))])
    shadow = _shadows(tracer, seen, light, rng)
    sent = _shade(tracer, layers, light, rays, places, shadow[pixel], folds)
    colour = np.zeros((size * size, 3), np.float32)
    coverage = np.zeros(size * size, np.float32)
    colour[inner], coverage[inner] = sent[: len(inner)], 1
    colour[edges] = sent[len(inner) :].reshape(-1, len(_CORNERS), 3).mean(1)
    coverage[edges] = (rays.layer[len(inner) :] >= 0).reshape(-1, len(_CORNERS)).mean(1)
    return Picture(colour.reshape(size, size, 3), coverage.reshape(size, size), seen)


def encode(picture: Picture, shadow: Float[np.ndarray, "size size"], gain: float) -> UInt8[np.ndarray, "size size 4"]:
    """Premultiplied sRGB and coverage; `shadow` is black, with this coverage, behind everything else."""
    covered = picture.coverage[..., None]
    linear = picture.colour / np.maximum(covered, 1e-6) * gain
    tone = linear / (1 + np.maximum(linear - 0.6, 0) * 0.7)  # a shoulder, where a sensor would clip
    coded = srgb(tone) * covered
    alpha = covered + (1 - covered) * shadow[..., None]
    return np.rint(np.concatenate([coded, alpha], -1).clip(0, 1) * 255).astype(np.uint8)


def srgb(linear: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """The curve of sRGB, through a table of 4096 steps on the square root."""
    return _TABLE[np.sqrt(linear.clip(0, 1) * (4095.0**2)).astype(np.int32)]


def _curve(linear: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


_TABLE = _curve((np.arange(4096) / 4095) ** 2).astype(np.float32)


def exposure(picture: Picture, rng: np.random.Generator) -> float:
    """Gain that puts the mean brightness of what is seen where a camera would put it, within a stop or so."""
    luminance = float((picture.colour @ _LUMINANCE).sum() / max(picture.coverage.sum(), 1.0))
    adapted = max(luminance, 0.01) ** 0.75 * 0.25**0.25  # dark clothes do not make a camera open all the way
    return float(0.21 / adapted * 2 ** rng.normal(0, 0.45))


def _centres(pixels: Int[np.ndarray, " n"], size: int) -> Float[np.ndarray, "n 2"]:
    return np.stack([pixels % size, pixels // size], -1).astype(np.float32)


def _mask(rows: Int[np.ndarray, " n"], count: int) -> Bool[np.ndarray, " count"]:
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask


def _everywhere(seen: Seen, where: Int[np.ndarray, " n"], count: int) -> Seen:
    """The same hits in arrays over all pixels."""
    layer, face = np.full(count, -1, seen.layer.dtype), np.zeros(count, seen.face.dtype)
    barycentric, depth = np.zeros((count, 3), np.float32), np.full(count, np.inf, np.float32)
    normals = np.zeros((count, 3), np.float32)
    layer[where], face[where], depth[where] = seen.layer, seen.face, seen.depth
    barycentric[where], normals[where] = seen.barycentric, seen.normals
    return Seen(layer, face, barycentric, depth, normals)


def _take(seen: Seen, rows: Int[np.ndarray, " n"]) -> Seen:
    return Seen(seen.layer[rows], seen.face[rows], seen.barycentric[rows], seen.depth[rows], seen.normals[rows])


def _join(first: Seen, second: Seen) -> Seen:
    pairs = ((getattr(first, name), getattr(second, name)) for name in Seen.__dataclass_fields__)
    return Seen(*(np.concatenate(pair) for pair in pairs))


def _edges(seen: Seen, size: int) -> Bool[np.ndarray, " pixels"]:
    """Pixels beside another layer, or beside a jump in depth."""
    layer, near = seen.layer.reshape(size, size), (1 / seen.depth).reshape(size, size)
    edges = np.zeros((size, size), bool)
    above, below = (slice(None, -1),), (slice(1, None),)
    left, right = (slice(None), slice(None, -1)), (slice(None), slice(1, None))
    for first, second in ((above, below), (left, right)):
        jump = np.abs(near[first] - near[second]) > 0.02 * np.maximum(near[first], near[second])
        change = (layer[first] != layer[second]) | jump
        edges[first] |= change
        edges[second] |= change
    return edges.reshape(-1)


def _shadows(tracer: Tracer, seen: Seen, light: Light, rng: np.random.Generator) -> Float[np.ndarray, "pixels 2"]:
    """Share of the key light and of the surrounding that reaches every pixel."""
    size = tracer.size
    hit = np.flatnonzero(seen.layer >= 0)
    points = tracer.directions(_centres(hit, size)) * seen.depth[hit, None]
    normals = seen.normals[hit]
    both = np.zeros((size * size, 3), np.float32)
    both[hit, 0] = key_visibility(tracer, points, normals, light, rng)
    coarse = np.flatnonzero((hit % 2 == 0) & (hit // size % 2 == 0))
    both[hit[coarse], 1] = openness(tracer, points[coarse], normals[coarse], rng)
    both[hit[coarse], 2] = 1
    both[hit, 0] -= 1  # outside is lit; so smoothing needs no weights
    maps = both.reshape(size, size, 3)
    key = 1 + cv2.GaussianBlur(maps[..., 0], (3, 3), 0.6 + 4 * light.spread)
    blurred = cv2.GaussianBlur(maps[..., 1:], (9, 9), 2.0)
    open_sky = blurred[..., 0] / np.maximum(blurred[..., 1], 1e-3)
    open_sky[blurred[..., 1] < 1e-3] = 1
    return np.stack([key.reshape(-1), open_sky.reshape(-1)], -1)


def _shade(
    tracer: Tracer,
    layers: Sequence[Layer],
    light: Light,
    rays: Seen,
    places: Float[np.ndarray, "rays 2"],
    shadow: Float[np.ndarray, "rays 2"],
    folds: Folds,
) -> Float[np.ndarray, "rays 3"]:
    """Linear RGB that every ray sees; black where it meets nothing."""
    albedo, gloss = np.zeros((len(places), 3), np.float32), np.zeros(len(places), np.float32)
    skin, fold = np.zeros(len(places), np.float32), np.zeros(len(places), np.float32)
    order = np.argsort(rays.layer, kind="stable")
    borders = np.searchsorted(rays.layer[order], np.arange(len(layers) + 1))
    for number, layer in enumerate(layers):
        rows = order[borders[number] : borders[number + 1]]
        if len(rows):
            albedo[rows], gloss[rows] = layer.material.paint(rays.rows(rows))
            skin[rows], fold[rows] = layer.kind == "skin", layer.kind == "cloth"
    met = np.flatnonzero(rays.layer >= 0)
    directions = tracer.directions(places[met])
    normals = folds.bend(directions * rays.depth[met, None], rays.normals[met], fold[met], rays.layer[met])
    surface = Surface(normals, directions, albedo[met], gloss[met], skin[met])
    sent = np.zeros((len(places), 3), np.float32)
    sent[met] = radiance(surface, light, shadow[met])
    return sent
