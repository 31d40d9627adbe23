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

from datamodules.open_v2.light.light import Light
from datamodules.open_v2.render.columns import rows_of
from datamodules.open_v2.render.folds import Folds
from datamodules.open_v2.render.shade import Surface, key_visibility, openness, radiance
from datamodules.open_v2.render.trace import Seen, Tracer
from datamodules.open_v2.types import Layer

_CORNERS = np.array([[-0.125, -0.375], [0.375, -0.125], [-0.375, 0.125], [0.125, 0.375]], np.float32)
_SKY_BLUR = 1.4  # of the share of the sky that is open, in pixels of half the size: two rays each are noisy
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Picture:
    """A rendered foreground and what the pixel centres see.

    Attributes:
        colour: linear RGB times coverage.
        coverage: share of every pixel that something covers.
        pixels: numbers (row-major) of those whose centre sees something.
        seen: what they see.
    """

    colour: Float[np.ndarray, "size size 3"]
    coverage: Float[np.ndarray, "size size"]
    pixels: Int[np.ndarray, " pixels"]
    seen: Seen


def render(tracer: Tracer, layers: Sequence[Layer], light: Light, rng: np.random.Generator, folds: Folds) -> Picture:
    """Shade everything that the tracer sees; `layers` are those that it was made of."""
    size = tracer.size
    near = tracer.near()
    seen = tracer.cast(_centres(near, size))
    hit, seen = near[seen.layer >= 0], _take(seen, np.flatnonzero(seen.layer >= 0))
    maps = _Maps.of(hit, seen, size)
    edges = np.flatnonzero(maps.edges())
    inside = np.repeat(edges, len(_CORNERS))
    finer = (_centres(edges, size)[:, None] + _CORNERS).reshape(-1, 2)
    between = tracer.cast(finer)
    source = maps.source(between, inside)
    thin = np.flatnonzero((source < 0) & (between.layer >= 0))  # what no pixel centre sees
    rays = _join(seen, _take(between, thin))
    places = np.concatenate([_centres(hit, size), finer[thin]])
    normals = tracer.normals(rays, tracer.directions(places))
    shadow = _shadows(tracer, hit, places[: len(hit)], seen.depth, normals[: len(hit)], light, rng)
    sent = _shade(
        tracer, layers, light, rays, places, normals, shadow.take(np.concatenate([hit, inside[thin]]), 0), folds
    )
    colour, coverage = np.zeros((3, size * size), np.float32), np.zeros(size * size, np.float32)
    colour[:, hit], coverage[hit] = sent[: len(hit)].T, 1
    parts = colour.take(np.maximum(source, 0), 1) * (source >= 0)
    parts[:, thin] = sent[len(hit) :].T
    colour[:, edges] = sum(parts[:, number :: len(_CORNERS)] for number in range(len(_CORNERS))) / len(_CORNERS)
    coverage[edges] = (between.layer >= 0).reshape(-1, len(_CORNERS)).mean(1)
    return Picture(colour.reshape(3, size, size).transpose(1, 2, 0), coverage.reshape(size, size), hit, seen)


@dataclass(frozen=True)
class _Maps:
    """Layer (-1 for none) and depth (inf for none) that pixel centres see."""

    layer: Int[np.ndarray, "size size"]
    depth: Float[np.ndarray, "size size"]

    @classmethod
    def of(cls, pixels: Int[np.ndarray, " hits"], seen: Seen, size: int) -> _Maps:
        layer, depth = np.full(size * size, -1, np.int32), np.full(size * size, np.inf, np.float32)
        layer[pixels], depth[pixels] = seen.layer, seen.depth
        return cls(layer.reshape(size, size), depth.reshape(size, size))

    def edges(self) -> Bool[np.ndarray, "size size"]:
        """Pixels beside another layer, or beside a jump in depth."""
        near = 1 / self.depth
        edges = np.zeros(near.shape, bool)
        above, below = (slice(None, -1),), (slice(1, None),)
        left, right = (slice(None), slice(None, -1)), (slice(None), slice(1, None))
        for first, second in ((above, below), (left, right)):
            jump = np.abs(near[first] - near[second]) > 0.02 * np.maximum(near[first], near[second])
            change = (self.layer[first] != self.layer[second]) | jump
            edges[first] |= change
            edges[second] |= change
        return edges

    def source(self, between: Seen, pixel: Int[np.ndarray, " rays"]) -> Int[np.ndarray, " rays"]:
        """The pixel at or beside `pixel` that shows what a ray in it sees: same layer, nearest depth; -1 for none."""
        layer, depth, size = self.layer.reshape(-1), self.depth.reshape(-1), len(self.layer)
        met = between.layer >= 0
        source = np.where(met & (layer[pixel] == between.layer), pixel, -1)
        apart = np.abs(np.where(source >= 0, depth[pixel], np.inf) - np.where(met, between.depth, 0))
        rows = np.flatnonzero(met & ~(apart < 0.01 * between.depth))
        seen, own, best = between.layer[rows], pixel[rows], apart[rows]
        chosen, column = source[rows], pixel[rows] % size
        for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            beside = np.clip(own + (across + down * size), 0, size * size - 1)
            usable = layer[beside] == seen
            if across:
                usable &= column != (0 if across < 0 else size - 1)
            distance = np.where(usable, np.abs(depth[beside] - between.depth[rows]), np.inf)
            better = distance < best
            best[better], chosen[better] = distance[better], beside[better]
        source[rows] = chosen
        return source


def encode(picture: Picture, shadow: Float[np.ndarray, "size size"], gain: float) -> UInt8[np.ndarray, "size size 4"]:
    """Premultiplied sRGB and coverage; `shadow` is black, with this coverage, behind everything else."""
    size = len(shadow)
    covered = np.flatnonzero(picture.coverage)
    part = picture.coverage.reshape(-1).take(covered)
    linear = picture.colour.transpose(2, 0, 1).reshape(3, -1).take(covered, 1) * (np.float32(gain) / part)
    tone = linear / (1 + np.maximum(linear - np.float32(0.6), 0) * np.float32(0.7))  # a shoulder, not a clip
    pixels = np.zeros((size * size, 4), np.uint8)
    pixels[:, 3] = np.rint(shadow.reshape(-1) * 255)
    pixels[covered, :3] = np.rint(srgb(tone) * (part * 255)).T
    pixels[covered, 3] = np.rint((part + (1 - part) * shadow.reshape(-1).take(covered)) * 255)
    return pixels.reshape(size, size, 4)


def srgb(linear: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """The curve of sRGB, through a table of 4096 steps on the square root."""
    return _TABLE.take(np.sqrt(linear.clip(0, 1) * np.float32(4095.0**2)).astype(np.int32))


def _curve(linear: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


_TABLE = _curve((np.arange(4096) / 4095) ** 2).astype(np.float32)


def exposure(picture: Picture, rng: np.random.Generator) -> float:
    """Gain that puts the mean brightness of what is seen where a camera would put it, within a stop or so."""
    luminance = float((picture.colour @ _LUMINANCE).sum() / max(picture.coverage.sum(), 1.0))
    adapted = max(luminance, 0.01) ** 0.75 * 0.25**0.25  # dark clothes do not make a camera open all the way
    return float(0.29 / adapted * 2 ** rng.normal(0, 0.45))


def _centres(pixels: Int[np.ndarray, " n"], size: int) -> Float[np.ndarray, "n 2"]:
    return np.stack([pixels % size, pixels // size]).astype(np.float32).T


def _take(seen: Seen, rows: Int[np.ndarray, " n"]) -> Seen:
    return Seen(
        seen.layer[rows], seen.face[rows], rows_of(seen.barycentric, rows), seen.depth[rows], seen.triangle[rows]
    )


def _join(first: Seen, second: Seen) -> Seen:
    pairs = ((getattr(first, name), getattr(second, name)) for name in Seen.__dataclass_fields__)
    return Seen(*(np.concatenate(pair) for pair in pairs))


def _shadows(
    tracer: Tracer,
    hit: Int[np.ndarray, " hits"],
    places: Float[np.ndarray, "hits 2"],
    depth: Float[np.ndarray, " hits"],
    normals: Float[np.ndarray, "hits 3"],
    light: Light,
    rng: np.random.Generator,
) -> Float[np.ndarray, "pixels 2"]:
    """Share of the key light and of the surrounding that reaches every pixel; `hit` are those that see something."""
    size, half = tracer.size, -(-tracer.size // 2)
    some = np.flatnonzero((hit % 2 == 0) & (hit // size % 2 == 0))
    points, normals = tracer.directions(rows_of(places, some)) * depth[some, None], rows_of(normals, some)
    reached = np.zeros((half * half, 3), np.float32)
    row = hit[some] // size // 2 * half + hit[some] % size // 2
    reached[row, 0] = key_visibility(tracer, points, normals, light, rng)
    reached[row, 1] = openness(tracer, points, normals, rng)
    reached[row, 2] = 1
    maps = reached.reshape(half, half, 3)
    smooth = [_filled(maps[..., [0, 2]], 0.65 + 1.5 * light.spread), _filled(maps[..., 1:], _SKY_BLUR)]
    wide = cv2.resize(np.stack(smooth, -1), (2 * half, 2 * half), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide[:size, :size]).reshape(-1, 2)


def _filled(values: Float[np.ndarray, "half half 2"], sigma: float) -> Float[np.ndarray, "half half"]:
    """A map of which some pixels have a value (times a weight, which comes second), smoothed; 1 far from all."""
    spread = cv2.GaussianBlur(values, (0, 0), sigma)
    return np.where(spread[..., 1] > 1e-3, spread[..., 0] / np.maximum(spread[..., 1], 1e-3), 1)


def _shade(
    tracer: Tracer,
    layers: Sequence[Layer],
    light: Light,
    rays: Seen,
    places: Float[np.ndarray, "rays 2"],
    normals: Float[np.ndarray, "rays 3"],
    shadow: Float[np.ndarray, "rays 2"],
    folds: Folds,
) -> Float[np.ndarray, "rays 3"]:
    """Linear RGB that every ray sees; all of them meet something."""
    albedo, gloss = np.zeros((len(places), 3), np.float32), np.zeros(len(places), np.float32)
    order = np.argsort(rays.layer.astype(np.int16), kind="stable")  # short numbers are sorted by their digits
    borders = np.searchsorted(rays.layer[order], np.arange(len(layers) + 1))
    for number, layer in enumerate(layers):
        rows = order[borders[number] : borders[number + 1]]
        if len(rows):
            albedo[rows], gloss[rows] = layer.material.paint(rays.rows(rows))
    kinds = np.array([layer.kind for layer in layers])
    skin, cloth = (kinds == "skin").astype(np.float32)[rays.layer], (kinds == "cloth")[rays.layer]
    directions = tracer.directions(places)
    bent = folds.bend(directions * rays.depth[:, None], normals, cloth, rays.layer)
    return radiance(Surface(bent, directions, albedo, gloss, skin), light, shadow)
