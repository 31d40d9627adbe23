"""Cloth: a picture of our own that repeats, folds, and what is printed on it."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from datamodules.open_v2.clothes.weave import Weave
from datamodules.open_v2.clothes.wrinkles import COUNT, wrinkle_shade
from datamodules.synthetic.texture import SIDE, colour, noise, pattern

Colour = Float[np.ndarray, "3"]
Points = Float[np.ndarray, "points 3"]
_VIVID = {"any": 0.25, "trousers": 0.07, "sport": 0.5, "shoes": 0.15, "sock": 0.25, "plain": 0.4}
_HUES = (0.0, 0.05, 0.10, 0.15, 0.33, 0.45, 0.55, 0.61, 0.66, 0.76, 0.92)
_HUE_SHARES = (0.2, 0.05, 0.07, 0.1, 0.1, 0.04, 0.1, 0.16, 0.1, 0.04, 0.04)
Accented = Literal["nothing", "sleeves", "sides", "front", "yoke", "hoop", "half", "cuffs", "soles"]
Use = Literal["any", "trousers", "sport", "shoes", "sock", "plain"]
PATTERNS = ("plain", "noise", "stripes", "checks", "dots", "denim", "camouflage", "print", "gradient")
_SHARES = (0.5, 0.06, 0.12, 0.06, 0.03, 0.1, 0.03, 0.07, 0.03)


@dataclass(frozen=True)
class Cloth:
    """What a garment is made of.

    Attributes:
        weave: albedo, repeats.
        scale: repeats per metre.
        gloss: of the highlight.
        folds: strength of the shade that creases give.
        waves: wave vectors (1/m) and phases of the folds that the mesh gets.
        creases: number of the picture of creases.
        accent: colour of the parts that `accented` names.
        badge: canonical x and y of a print on the chest and its half size, metres; None without.
        badge_picture: albedo and coverage of the print.
    """

    weave: Weave
    scale: float
    gloss: float
    folds: float
    waves: Float[np.ndarray, "waves 4"]
    creases: int = 0
    accented: Accented = "nothing"
    accent: Colour | None = None
    badge: tuple[float, float, float] | None = None
    badge_picture: Float[np.ndarray, "64 64 4"] | None = None
    back: bool = False

    def paint(self, points: Points, normals_z: Float[np.ndarray, " points"]) -> Float[np.ndarray, "points 3"]:
        """Albedo of canonical points; `normals_z` tells the front (positive) from the back."""
        x, y, z = points.T
        around = x + np.where(normals_z > 0, 0.6, -0.6) * z
        arm = np.abs(x) > 0.24
        u, v = np.where(arm, y - 0.8 * z, around), np.where(arm, np.abs(x), y)
        albedo = self.weave.look_up(u * self.scale, v * self.scale)
        if self.accent is not None:
            albedo[_accented(self.accented, points, normals_z)] = self.accent
        if self.badge is not None and self.badge_picture is not None:
            _stamp(albedo, points, normals_z, self.badge, self.badge_picture, self.back)
        if self.folds > 0:
            albedo *= wrinkle_shade(self.creases, u, v, points, self.folds)[:, None]
        return albedo


def _accented(what: Accented, points: Points, normals_z: Float[np.ndarray, " points"]) -> Bool[np.ndarray, " points"]:
    """Which points have the second colour; places are metres on the template."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    arm = x > 0.19
    if what == "sleeves":
        return np.asarray(arm & (y > 0.2))
    if what == "sides":
        return np.asarray(
            np.where(arm & (y > 0.2), (np.abs(z - 0.02) < 0.014) & (y > 0.4), (np.abs(z) < 0.015) & (x > 0.125))
        )
    if what == "front":
        return np.asarray((normals_z > 0) & (x < 0.03 + 0.13 * np.clip(y, 0, None)))
    if what == "yoke":
        return np.asarray(y > 0.32)
    if what == "hoop":
        return np.asarray(~arm & (y > 0.19) & (y < 0.26))
    if what == "soles":
        return np.asarray(y < -0.975)
    if what == "half":
        return np.asarray(points[:, 0] > 0)
    return np.asarray((x > 0.6) | ((y < -0.3) & (y > -0.36)) | (~arm & (y > -0.1) & (y < -0.06)))


def _stamp(
    albedo: Float[np.ndarray, "points 3"],
    points: Points,
    normals_z: Float[np.ndarray, " points"],
    badge: tuple[float, float, float],
    picture: Float[np.ndarray, "64 64 4"],
    back: bool,
) -> None:
    cx, cy, size = badge
    u, v = (points[:, 0] - cx) / size, (points[:, 1] - cy) / size
    facing = np.ones(len(points), bool) if back else normals_z > 0
    rows = np.flatnonzero(facing & (np.abs(u) < 1) & (np.abs(v) < 1))
    flip = np.where(normals_z[rows] > 0, 1, -1)
    print_ = picture[((1 - v[rows]) * 31.9).astype(int), ((1 + u[rows] * flip) * 31.9).astype(int)]
    albedo[rows] += (print_[:, :3] - albedo[rows]) * print_[:, 3:]


def draw_cloth(rng: np.random.Generator, use: Use = "any", hue: Colour | None = None) -> Cloth:
    """A cloth; `hue` fixes its first colour."""
    kind = str(rng.choice(PATTERNS, p=_SHARES))
    if use == "trousers":
        kind = str(
            rng.choice(
                ["plain", "denim", "noise", "checks", "stripes", "camouflage"], p=[0.5, 0.33, 0.05, 0.04, 0.04, 0.04]
            )
        )
    elif use == "sport":
        kind = str(rng.choice(["plain", "stripes", "gradient", "checks"], p=[0.74, 0.16, 0.07, 0.03]))
    elif use == "sock":
        kind = str(rng.choice(["plain", "stripes"], p=[0.8, 0.2]))
    elif use == "plain":
        kind = "plain"
    elif use == "shoes":
        kind = str(rng.choice(["plain", "noise"], p=[0.8, 0.2]))
    first = cloth_colour(rng, vivid=_VIVID[use]) if hue is None else hue
    second = cloth_colour(rng, vivid=0.5)
    choices: tuple[Accented, ...] = ("nothing", "sleeves", "sides", "front", "yoke", "hoop", "half", "cuffs")
    shares = (
        (0.35, 0.14, 0.2, 0.04, 0.07, 0.08, 0.04, 0.08)
        if use == "sport"
        else (0.74, 0.05, 0.04, 0.07, 0.02, 0.02, 0.02, 0.04)
    )
    accented = (
        choices[int(rng.choice(len(choices), p=shares))]
        if use in ("any", "sport") or (use == "trousers" and rng.random() < 0.4)
        else "nothing"
    )
    if use == "shoes" and rng.random() < 0.5:
        accented = "soles"
    accent = cloth_colour(rng, 0.4)
    badge, picture = _draw_badge(rng, use) if use in ("any", "sport") else (None, None)
    waves = rng.normal(0, 1, (5, 3)) * rng.uniform(8, 45, (5, 1)) * [1.0, 0.5, 0.8]
    return Cloth(
        weave=_draw_weave(rng, kind, first, second),
        scale=float(rng.uniform(1.2, 6)),
        gloss=float(rng.choice([0.02, 0.08, 0.3], p=[0.7, 0.22, 0.08])) + (0.1 if use == "shoes" else 0.0),
        folds=0.0 if use in ("shoes", "sock") else float(rng.uniform(0.03, 0.18)),
        creases=int(rng.integers(COUNT)),
        waves=np.concatenate([waves, rng.uniform(0, 6.3, (5, 1))], 1).astype(np.float32),
        accented=accented,
        accent=accent if accented != "nothing" else None,
        badge=badge,
        badge_picture=picture,
        back=use == "sport" or rng.random() < 0.3,
    )


def cloth_colour(rng: np.random.Generator, vivid: float = 0.35) -> Colour:
    """Black, white, grey, navy and muted colours as people wear them, or a strong one with chance `vivid`."""
    if rng.random() < vivid:
        return _hued(rng, (0.5, 1.0), (0.3, 0.9))
    kind = rng.choice(4, p=[0.25, 0.2, 0.2, 0.35])
    if kind == 0:
        return colour(rng, (0.0, 0.3), (0.08, 0.25))
    if kind == 1:
        return colour(rng, (0.0, 0.06), (0.82, 0.97))
    if kind == 2:
        return colour(rng, (0.0, 0.08), (0.25, 0.8))
    return _hued(rng, (0.1, 0.5), (0.15, 0.8))


def _hued(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """A colour of a hue that clothes are dyed in: red, blue and yellow rather than green and violet."""
    hue = (rng.choice(_HUES, p=_HUE_SHARES) + rng.normal(0, 0.02)) % 1
    hsv = (float(hue), float(rng.uniform(*saturation)), float(rng.uniform(*value)))
    return np.asarray(colorsys.hsv_to_rgb(*hsv), np.float32) ** 2.2


def _draw_weave(rng: np.random.Generator, kind: str, first: Colour, second: Colour) -> Weave:
    stains = rng.uniform(0.02, 0.2) if rng.random() < 0.85 else rng.uniform(0.2, 0.6)
    dirt = noise(rng)
    if kind == "denim":
        first = np.array([0.02, 0.045, 0.11], np.float32) * rng.uniform(0.4, 5) * rng.uniform(0.85, 1.15, 3)
        share = 0.5 * noise(rng, 4) ** 2 + _TWILL
        second = first * 2.2 + 0.04
    elif kind == "camouflage":
        share = np.digitize(noise(rng, 4), [0.42, 0.5, 0.58]) / 3
        second = first * rng.uniform(0.2, 0.5)
    elif kind == "gradient":
        share = _GRADIENT
    elif kind == "print":
        share = np.asarray(_print(rng))
    else:
        share = pattern(kind, rng)
    return Weave(first, second, share[:1, :1] if kind == "plain" else share, dirt, float(stains))


_DIAGONAL = np.add.outer(np.arange(SIDE), np.arange(SIDE)).astype(np.float32) / SIDE
_TWILL = 0.15 * (np.sin(_DIAGONAL * 64 * np.pi) > 0)
_GRADIENT = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIDE, dtype=np.float32)[:, None] / SIDE)


def _print(rng: np.random.Generator) -> Float[np.ndarray, "128 128"]:
    """Blobs, strokes and flowers that repeat."""
    canvas = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(6, 24))):
        centre = tuple(int(c) for c in rng.integers(0, SIDE, 2))
        axes = tuple(int(a) for a in rng.integers(3, 16, 2))
        for dx in (-SIDE, 0, SIDE):
            for dy in (-SIDE, 0, SIDE):
                place = (centre[0] + dx, centre[1] + dy)
                cv2.ellipse(canvas, place, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(0.4, 1)), -1)
    return canvas


def _draw_badge(
    rng: np.random.Generator, use: str
) -> tuple[tuple[float, float, float] | None, Float[np.ndarray, "64 64 4"] | None]:
    """A number, letters or a sign on the chest."""
    if rng.random() > (0.75 if use == "sport" else 0.35):
        return None, None
    canvas = np.zeros((64, 64), np.uint8)
    style = rng.random()
    if style < 0.55 or use == "sport":
        text = str(rng.integers(1, 100)) if use == "sport" or rng.random() < 0.3 else _letters(rng)
        scale = 1.9 if len(text) < 3 else 4.2 / (len(text) + 1)
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, 4)
        start = (32 - width // 2, 32 + height // 2)
        cv2.putText(canvas, text, start, cv2.FONT_HERSHEY_DUPLEX, scale, 255, int(rng.integers(3, 8)), cv2.LINE_AA)
    elif style < 0.8:
        cv2.circle(canvas, (32, 32), int(rng.integers(10, 30)), 255, -1 if rng.random() < 0.6 else 6, cv2.LINE_AA)
    else:
        corners = rng.integers(4, 60, (int(rng.integers(3, 7)), 2)).astype(np.int32)
        cv2.fillPoly(canvas, [corners], 255, cv2.LINE_AA)
    picture = np.empty((64, 64, 4), np.float32)
    picture[..., :3] = cloth_colour(rng, 0.5)
    picture[..., 3] = canvas / 255
    small = rng.random() < 0.3
    size = float(rng.uniform(0.03, 0.05) if small else rng.uniform(0.08, 0.13))
    return (float(rng.uniform(-0.07, 0.07)) if small else 0.0, float(rng.uniform(0.16, 0.34)), size), picture


def _letters(rng: np.random.Generator) -> str:
    letters: Int[np.ndarray, " letters"] = rng.integers(65, 91, int(rng.integers(3, 7)))
    return "".join(chr(int(letter)) for letter in letters)
