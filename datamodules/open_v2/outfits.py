"""Draws what a person wears, and what the bare skin looks like."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datamodules.open_v2.cloth import Cloth, cloth_colour, draw_cloth
from datamodules.open_v2.wardrobe import Wardrobe
from datamodules.synthetic.texture import SIDE
from datamodules.synthetic.wardrobe import Garment as PaintedGarment
from datamodules.synthetic.wardrobe import Style, draw_style

_NONE_BELOW, _NONE_ABOVE = -9.0, 9.0


@dataclass(frozen=True)
class Worn:
    """A garment of the wardrobe and its cloth."""

    garment: int
    cloth: Cloth


@dataclass(frozen=True)
class Outfit:
    """What is seen of a person.

    Attributes:
        style: skin, face and painted clothes.
        worn: from the skin outwards.
    """

    style: Style
    worn: tuple[Worn, ...]


def draw_outfit(wardrobe: Wardrobe, seed: int, betas: Float[np.ndarray, "10"]) -> Outfit:
    """What a person wears; the same for the same seed.

    Args:
        wardrobe: what there is.
        seed: any non-negative number.
        betas: shape of the person.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))
    style = _painted(rng)
    woman = wardrobe.femininity(betas) > rng.uniform(0.3, 0.7)
    if woman:
        style = dataclasses.replace(style, beard=False)
    sport = rng.random() < 0.45
    worn: list[Worn] = []
    style = _clothes(rng, wardrobe, style, worn, sport, woman)
    style = _feet(rng, wardrobe, style, worn, sport)
    style = _head(rng, wardrobe, style, worn)
    order = {"socks": 0, "bottom": 1, "skirt": 1, "overall": 2, "top": 2, "shoes": 3, "hair": 4, "hat": 5}
    worn.sort(key=lambda piece: order[wardrobe.garments[piece.garment].kind])
    return Outfit(style, tuple(worn))


def _painted(rng: np.random.Generator) -> Style:
    style = draw_style(rng)
    return dataclasses.replace(style, shoe=style.shoe + 0.073 if style.shoe > -2 else style.shoe)


def _pick(rng: np.random.Generator, wardrobe: Wardrobe, *kinds: str) -> int | None:
    numbers = wardrobe.of_kind(*kinds)
    return int(rng.choice(numbers)) if numbers else None


def _clothes(
    rng: np.random.Generator, wardrobe: Wardrobe, style: Style, worn: list[Worn], sport: bool, woman: bool
) -> Style:
    way = rng.random()
    if way < 0.04 and (number := _pick(rng, wardrobe, "overall")) is not None:
        worn.append(Worn(number, draw_cloth(rng, "trousers")))
        style = _without_bottom(style)
        if rng.random() < 0.8:
            style = dataclasses.replace(style, hem=-0.1)
        return style
    mesh_top, mesh_bottom = rng.random() < (0.5 if sport else 0.72), rng.random() < (0.25 if sport else 0.62)
    if mesh_top and (number := _pick(rng, wardrobe, "top")) is not None:
        worn.append(Worn(number, draw_cloth(rng, "sport" if sport else "any")))
        style = _without_top(style)
    elif rng.random() < (0.01 if woman else 0.15):
        style = _without_top(style)
    if mesh_bottom:
        kinds = ("skirt",) if rng.random() < (0.3 if woman else 0.01) else ("bottom",)
        if (number := _pick(rng, wardrobe, *kinds)) is not None:
            worn.append(Worn(number, draw_cloth(rng, "sport" if sport else "trousers")))
            style = _without_bottom(style)
    elif sport:
        style = dataclasses.replace(
            style, cuff=float(rng.choice([-0.18, rng.uniform(-0.45, -0.25), -0.9], p=[0.2, 0.6, 0.2]))
        )
    return style


def _without_top(style: Style) -> Style:
    bare = PaintedGarment(np.broadcast_to(style.skin, (SIDE, SIDE, 3)), 1.0)
    return dataclasses.replace(style, top=bare, sleeve=0.0, hem=_NONE_ABOVE, inner=None, badge=None, loose_top=0.0)


def _without_bottom(style: Style) -> Style:
    return dataclasses.replace(style, waist=_NONE_BELOW, loose_bottom=0.0, belt=False)


def _feet(rng: np.random.Generator, wardrobe: Wardrobe, style: Style, worn: list[Worn], sport: bool) -> Style:
    number = _pick(rng, wardrobe, "shoes")
    if number is None or rng.random() < 0.15:
        return style
    worn.append(Worn(number, draw_cloth(rng, "shoes")))
    sock = _NONE_BELOW
    if rng.random() < 0.6:
        sock = float(rng.uniform(-0.9, -0.6) if sport else rng.uniform(-0.92, -0.75))
    return dataclasses.replace(style, shoe=_NONE_BELOW, sock=sock, sock_colour=cloth_colour(rng, 0.4))


def _head(rng: np.random.Generator, wardrobe: Wardrobe, style: Style, worn: list[Worn]) -> Style:
    way = rng.random()
    if way < 0.68 and (number := _pick(rng, wardrobe, "hair")) is not None:
        strand = _hair_cloth(rng, style)
        worn.append(Worn(number, strand))
        style = dataclasses.replace(style, hair="short")
    elif way < 0.74 and (number := _pick(rng, wardrobe, "hat")) is not None:
        worn.append(Worn(number, draw_cloth(rng, "shoes")))
        style = dataclasses.replace(style, hair="short")
    return style


def _hair_cloth(rng: np.random.Generator, style: Style) -> Cloth:
    x = np.linspace(0, 2 * np.pi, SIDE, endpoint=False)
    strands = sum(np.sin(k * x + rng.uniform(0, 6.3)) for k in rng.integers(4, 40, 6)) / 6
    picture = style.hair_colour * (1 + 0.5 * strands)[None, :, None] * np.ones((SIDE, 1, 1))
    return Cloth(picture.clip(0.003, 0.9).astype(np.float32), 8.0, 0.15, 0.4, _waves(rng))


def _waves(rng: np.random.Generator) -> Float[np.ndarray, "waves 4"]:
    return np.concatenate([rng.normal(0, 60, (4, 3)) * [1, 0.2, 1], rng.uniform(0, 6.3, (4, 1))], 1).astype(np.float32)
