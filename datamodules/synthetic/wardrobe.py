"""What a person wears and looks like, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datamodules.synthetic.texture import SIDE, Texture, colour, texture

Colour = Float[np.ndarray, "3"]
_SKIN_LIGHT, _SKIN_DARK = np.array([0.72, 0.46, 0.34]), np.array([0.09, 0.045, 0.028])
_HAIR = np.array(
    [[0.012, 0.01, 0.009], [0.04, 0.022, 0.014], [0.1, 0.055, 0.03], [0.33, 0.2, 0.09], [0.24, 0.07, 0.03], [0.4] * 3]
)
_CLOTH_PATTERNS = ("plain", "plain", "plain", "noise", "stripes", "stripes", "checks", "dots")


@dataclass(frozen=True)
class Garment:
    """A piece of cloth: its pattern, and how many times it repeats per metre."""

    texture: Texture
    scale: float


@dataclass(frozen=True)
class Style:
    """Looks of a person. Heights and lengths are canonical metres (see `appearance`).

    `hair` is bald, short, long or cap. `fringe` is the height of the hairline above the face. A garment's borders:
    sleeves end at |x| = `sleeve`, the top at y = `hem`, trousers at y = `cuff`, shoes at y = `shoe`.
    """

    skin: Colour
    hair: str
    hair_colour: Colour
    fringe: float
    beard: bool
    glasses: bool
    iris: Colour
    top: Garment
    inner: Garment | None
    sleeve: float
    hem: float
    neckline: float
    bottom: Garment
    waist: float
    cuff: float
    shoe: float
    shoe_colour: Colour
    sole_colour: Colour
    sock: float
    sock_colour: Colour
    belt: bool
    belt_colour: Colour
    badge: tuple[float, float, float] | None
    badge_colour: Colour
    loose_top: float
    loose_bottom: float
    folds: Float[np.ndarray, "waves 4"]


def draw_style(rng: np.random.Generator) -> Style:
    """The looks of one person."""
    dark = rng.random() ** 1.3
    skin = (_SKIN_LIGHT ** (1 - dark) * _SKIN_DARK**dark) * rng.uniform(0.9, 1.1, 3)
    bare = rng.random() < 0.04
    top, bottom = _garment(rng), _garment(rng)
    if rng.random() < 0.12:  # overalls and suits
        bottom = top
    if bare:
        top = Garment(np.broadcast_to(skin.astype(np.float32), (SIDE, SIDE, 3)), 1.0)
    shoe = float(rng.choice([-2.0, -0.985, -0.96, -0.93, -0.8], p=[0.08, 0.3, 0.37, 0.15, 0.1]))
    return Style(
        skin=skin.astype(np.float32),
        hair=str(rng.choice(["bald", "short", "long", "cap"], p=[0.1, 0.45, 0.3, 0.15])),
        hair_colour=(_HAIR[rng.integers(len(_HAIR))] * rng.uniform(0.7, 1.4)).astype(np.float32),
        fringe=float(rng.uniform(0.683, 0.715)),
        beard=rng.random() < 0.15,
        glasses=rng.random() < 0.12,
        iris=np.asarray(rng.uniform(0.01, 0.15, 3), np.float32),
        top=top,
        inner=_garment(rng) if rng.random() < 0.15 and not bare else None,
        sleeve=float(rng.choice([0.2, rng.uniform(0.27, 0.42), rng.uniform(0.45, 0.6), 0.7], p=[0.12, 0.4, 0.08, 0.4])),
        hem=float(rng.uniform(-0.16, 0.06)),
        neckline=float(rng.uniform(0.0, 0.12)),
        bottom=bottom,
        waist=float(rng.uniform(0.0, 0.08)),
        cuff=float(rng.choice([-0.97, rng.uniform(-0.8, -0.6), rng.uniform(-0.5, -0.28)], p=[0.6, 0.1, 0.3])),
        shoe=shoe,
        shoe_colour=colour(rng, (0.0, 0.6), (0.03, 0.95)),
        sole_colour=colour(rng, (0.0, 0.2), (0.1, 0.95)),
        sock=float(rng.uniform(-0.97, -0.78)) if rng.random() < 0.5 else -2.0,
        sock_colour=colour(rng, (0.0, 0.3), (0.05, 0.95)),
        belt=rng.random() < 0.25,
        belt_colour=colour(rng, (0.0, 0.5), (0.03, 0.4)),
        badge=_badge(rng) if rng.random() < 0.35 else None,
        badge_colour=colour(rng),
        loose_top=float(rng.uniform(0.003, 0.018)),
        loose_bottom=float(rng.uniform(0.003, 0.016)),
        folds=np.concatenate([rng.normal(0, 22, (4, 3)), rng.uniform(0, 6.3, (4, 1))], -1).astype(np.float32),
    )


def _garment(rng: np.random.Generator) -> Garment:
    value = (0.05, 0.35) if rng.random() < 0.45 else (0.3, 0.95)
    vivid = 0.9 if rng.random() < 0.4 else 0.35
    first, second = colour(rng, (0.0, vivid), value), colour(rng, (0.0, vivid), (0.05, 0.95))
    return Garment(texture(rng, first, second, _CLOTH_PATTERNS), float(rng.uniform(1.2, 5)))


def _badge(rng: np.random.Generator) -> tuple[float, float, float]:
    return float(rng.uniform(-0.06, 0.06)), float(rng.uniform(0.15, 0.33)), float(rng.uniform(0.03, 0.1))
