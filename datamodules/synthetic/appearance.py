"""Paints a person: skin, face, hair and clothes as functions of the position on the body.

Convention:
    Canonical points are positions on the open body's template (mean shape, T-pose, metres; pelvis at the origin, y up,
    facing +z, left +x): soles at y = -1.07, crown at 0.75, neck at 0.49, wrists at |x| = 0.72.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from datamodules.synthetic.texture import look_up
from datamodules.synthetic.wardrobe import Garment, Style

Points = Float[np.ndarray, "points 3"]
Mask = Bool[np.ndarray, "points"]
_EYE, _MOUTH, _BROW = (0.0305, 0.640), 0.563, 0.662


@dataclass(frozen=True)
class Surface:
    """Albedo (linear RGB), strength of the highlight, and depth of cloth folds."""

    albedo: Float[np.ndarray, "points 3"]
    gloss: Float[np.ndarray, " points"]
    folds: Float[np.ndarray, " points"]


def paint(points: Points, style: Style) -> Surface:
    """Surface of canonical points."""
    albedo = np.tile(style.skin, (len(points), 1))
    gloss = np.full(len(points), 0.10, np.float32)
    folds = np.zeros(len(points), np.float32)
    _paint_face(points, albedo, style)
    hair = hair_mask(points, style)
    albedo[hair] = style.hair_colour if style.hair != "cap" else style.badge_colour
    gloss[hair] = 0.15
    bottom, top = bottom_mask(points, style), top_mask(points, style)
    for mask, garment in ((bottom, style.bottom), (top, style.top)):
        albedo[mask] = _cloth(points[mask], garment)
        gloss[mask], folds[mask] = 0.02, 1.0
    _paint_details(points, albedo, style, top)
    x, y = np.abs(points[:, 0]), points[:, 1]
    legs = x < 0.3
    sock = legs & (y < style.sock) & ~bottom
    shoe = legs & (y < style.shoe)
    albedo[sock] = style.sock_colour
    albedo[shoe] = style.shoe_colour
    albedo[shoe & (y < -1.05)] = style.sole_colour
    gloss[shoe], folds[shoe] = 0.2, 0.0
    return Surface(albedo, gloss, folds)


def top_mask(points: Points, style: Style) -> Mask:
    """Where the shirt is."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    front = 0.01 if style.neckline > 0.06 else 0.03
    opening = (y > 0.468 + 0.25 * x) | ((z > front) & (y > 0.44 - style.neckline + 0.9 * x) & (x < 0.2))
    arm = x > 0.2
    return (x < style.sleeve) & np.where(arm, y > 0.2, (y > style.hem) & ~opening)


def bottom_mask(points: Points, style: Style) -> Mask:
    """Where the trousers are."""
    x, y = np.abs(points[:, 0]), points[:, 1]
    return (y < style.waist) & (y > style.cuff) & (x < 0.35)


def hair_mask(points: Points, style: Style) -> Mask:
    """Where hair or a cap is."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    head = (y > 0.53) & (x < 0.2)
    if style.hair == "bald":
        return np.zeros(len(points), bool)
    if style.hair == "cap":
        return head & (y > style.fringe - 0.02)
    nape = 0.565 if style.hair == "short" else 0.50
    face = (z > 0.03) & ((x / 0.082) ** 2 + ((y - 0.60) / (style.fringe - 0.60)) ** 2 < 1)
    sides = y > nape + np.clip(z - 0.02, 0, None) * (1.6 if style.hair == "short" else 0.3)
    hair = head & ~face & sides & ((z < 0.075) | (y > 0.655))
    if style.hair == "long":
        hair |= (y > 0.36) & (y <= 0.56) & (z < 0.0) & (x < 0.1)
    return hair


def inflate(points: Points, style: Style) -> Float[np.ndarray, " points"]:
    """How far clothes and hair stand off the body, metres along the normal."""
    off = np.zeros(len(points), np.float32)
    off[bottom_mask(points, style)] = style.loose_bottom
    off[top_mask(points, style)] = style.loose_top
    thickness = {"bald": 0.0, "short": 0.012, "long": 0.022, "cap": 0.015}[style.hair]
    off[hair_mask(points, style)] = thickness
    off[(points[:, 1] < style.shoe) & (np.abs(points[:, 0]) < 0.3)] = 0.004
    return off


def _cloth(points: Points, garment: Garment) -> Float[np.ndarray, "points 3"]:
    # around the limb and trunk the pattern runs along x + z, so that stripes do not smear on the sides
    sideways = points[:, 0] + np.where(points[:, 2] > 0, 0.6, -0.6) * points[:, 2]
    return look_up(garment.texture, sideways * garment.scale, points[:, 1] * garment.scale)


def _paint_face(points: Points, albedo: Float[np.ndarray, "points 3"], style: Style) -> None:
    near = np.flatnonzero((points[:, 1] > 0.5) & (points[:, 2] > 0.07))
    if not len(near):
        return
    x, y = np.abs(points[near, 0]), points[near, 1]

    def ellipse(cx: float, cy: float, rx: float, ry: float) -> Mask:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    dark = style.hair_colour * 0.8
    if style.beard:
        albedo[near[(y < 0.585) & ~ellipse(0.0, _MOUTH, 0.03, 0.01)]] = dark
    albedo[near[ellipse(0.0, _MOUTH, 0.026, 0.009)]] = style.skin * np.array([0.75, 0.4, 0.4])
    albedo[near[ellipse(_EYE[0], _EYE[1], 0.017, 0.0085)]] = 0.75
    albedo[near[ellipse(_EYE[0], _EYE[1], 0.0085, 0.0085)]] = style.iris
    albedo[near[ellipse(_EYE[0], _EYE[1], 0.0045, 0.0045)]] = 0.01
    albedo[near[ellipse(_EYE[0] + 0.003, _BROW, 0.02, 0.005)]] = dark
    if style.glasses:
        rim = ellipse(_EYE[0], _EYE[1] - 0.003, 0.027, 0.022)
        albedo[near[rim]] = 0.02


def _paint_details(points: Points, albedo: Float[np.ndarray, "points 3"], style: Style, top: Mask) -> None:
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    trunk = top & (np.abs(x) < 0.2)
    if style.inner is not None:  # an open jacket
        inside = trunk & (z > 0) & (np.abs(x) < 0.035 + 0.1 * np.clip(y, 0, None))
        albedo[inside] = _cloth(points[inside], style.inner)
    elif style.badge is not None:
        cx, cy, radius = style.badge
        albedo[trunk & (z > 0) & ((x - cx) ** 2 + (y - cy) ** 2 < radius**2)] = style.badge_colour
    if style.belt:
        albedo[(np.abs(y - style.waist) < 0.018) & (np.abs(x) < 0.2) & (style.hem > style.waist - 0.02)] = (
            style.belt_colour
        )
