"""Draws what a person wears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datamodules.open_v2.clothes.cloth import Cloth, Use, cloth_colour, draw_cloth
from datamodules.open_v2.clothes.looks import Look, draw_look
from datamodules.open_v2.clothes.painted import Painted
from datamodules.open_v2.clothes.wardrobe import Wardrobe
from datamodules.open_v2.clothes.weave import Weave
from datamodules.synthetic.texture import SIDE

_ORDER = ("socks", "shoes", "bottom", "skirt", "overall", "top", "hair", "hat")


@dataclass(frozen=True)
class Worn:
    """A garment of the wardrobe, its cloth and how it was altered (metres on the template).

    Attributes:
        loose: how much wider it is than its mesh.
        crumple: height of the folds that its surface gets.
        sleeve: its sleeves are cut here.
        low: it is cut at this height.
    """

    garment: int
    cloth: Cloth
    loose: float = 0.0
    crumple: float = 0.0
    sleeve: float = 9.0
    low: float = -9.0


@dataclass(frozen=True)
class Outfit:
    """What is seen of a person: the bare body, what is painted on it, and what is worn, from the skin outwards."""

    look: Look
    painted: tuple[Painted, ...]
    worn: tuple[Worn, ...]


def draw_outfit(wardrobe: Wardrobe, seed: int, betas: Float[np.ndarray, "10"]) -> Outfit:
    """What a person wears; the same for the same seed.

    Args:
        wardrobe: what there is.
        seed: any non-negative number.
        betas: shape of the person; female shapes wear skirts more often and no beards.
    """
    return _Drawing(wardrobe, seed, betas).outfit()


class _Drawing:
    """One outfit in the making."""

    def __init__(self, wardrobe: Wardrobe, seed: int, betas: Float[np.ndarray, "10"]) -> None:
        self.rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))
        self.wardrobe = wardrobe
        self.woman = bool(wardrobe.femininity(betas) > self.rng.uniform(0.3, 0.7))
        self.sport = bool(self.rng.random() < 0.5)
        self.look = draw_look(self.rng, self.woman)
        self.kit = (cloth_colour(self.rng, 0.6), cloth_colour(self.rng, 0.2))
        self.painted: list[Painted] = []
        self.worn: list[Worn] = []

    def outfit(self) -> Outfit:
        if not (self.rng.random() < 0.05 and self._overall()):
            if self.rng.random() < (0.1 if self.sport else 0.03):
                self._one_piece()
            else:
                self._bottom()
                self._top()
        self._feet()
        self._head()
        if self.rng.random() < 0.04:
            self.painted.append(Painted(draw_cloth(self.rng, "plain"), "hands", 0.002))
        self.worn.sort(key=lambda worn: _ORDER.index(self.wardrobe.garments[worn.garment].kind))
        return Outfit(self.look, tuple(self.painted), tuple(self.worn))

    def _chance(self, sport: float, other: float) -> bool:
        return bool(self.rng.random() < (sport if self.sport else other))

    def _cloth(self, use: Use) -> Cloth:
        """A cloth; a team's shirt, shorts and socks have two colours between them."""
        team = self.sport and self.rng.random() < 0.65
        return draw_cloth(self.rng, use, self.kit[int(self.rng.random() < 0.45)] if team else None)

    def _wear(self, kinds: tuple[str, ...], cloth: Cloth, **fit: float) -> bool:
        numbers = self.wardrobe.of_kind(*kinds)
        if numbers:
            self.worn.append(Worn(int(self.rng.choice(numbers)), cloth, **fit))
        return bool(numbers)

    def _overall(self) -> bool:
        if not self._wear(("overall",), draw_cloth(self.rng, "trousers"), **self._looseness()):
            return False
        self._paint_top()
        self.painted.append(Painted(draw_cloth(self.rng, "plain"), "bottom", 0.0, low=-0.14, high=0.0))
        return True

    def _looseness(self) -> dict[str, float]:
        wide = self.rng.random() < 0.5
        return {
            "loose": float(self.rng.uniform(0.004, 0.022)) if wide else 0.0,
            "crumple": float(self.rng.uniform(0.002, 0.010)),
        }

    def _one_piece(self) -> None:
        """Swimsuits, leotards, cat suits, running and cycling suits."""
        rng, cloth = self.rng, draw_cloth(self.rng, "sport")
        long = rng.random() < 0.4
        sleeve = float(rng.choice([0.15, 0.3, 0.66], p=[0.6, 0.2, 0.2]))
        cut = 0.0 if long else float(rng.choice([0.0, 0.9]))
        low = -0.15 if cut else float(rng.uniform(-0.9, -0.2) if long else -0.22)
        self.painted.append(
            Painted(cloth, "top", 0.001, sleeve=sleeve, low=-0.02, neckline=float(rng.uniform(0, 0.12)))
        )
        self.painted.append(Painted(cloth, "bottom", 0.001, low=low, high=0.0, cut=cut))

    def _bottom(self) -> None:
        rng, cloth = self.rng, self._cloth("sport" if self.sport else "trousers")
        waist = float(rng.uniform(0.0, 0.06))
        shorts = self._chance(0.6, 0.2)
        if self.woman and self._chance(0.12, 0.3) and self._skirt(cloth):
            self.painted.append(Painted(draw_cloth(rng, "plain"), "bottom", 0.001, low=-0.15, high=0.0, cut=0.5))
        elif self._chance(0.55, 0.75):
            low = float(rng.uniform(-0.5, -0.24)) if shorts else -9.0
            self._wear(("bottom",), cloth, low=low, **self._looseness())
            self.painted.append(Painted(cloth, "bottom", 0.001, low=-0.15, high=waist, cut=0.5))
        else:
            low = float(rng.uniform(-0.46, -0.19) if shorts else rng.choice([rng.uniform(-0.8, -0.55), -0.92]))
            cut = 0.0
            if rng.random() < 0.1:
                low, cut = -0.15, float(rng.uniform(0.4, 0.9))
            self.painted.append(
                Painted(cloth, "bottom", float(rng.uniform(0.001, 0.012)), low=low, high=waist, cut=cut)
            )

    def _skirt(self, cloth: Cloth) -> bool:
        low = self.rng.uniform(-0.35, -0.22) if self.sport else -0.25 - 0.55 * self.rng.random() ** 2
        return self._wear(("skirt",), cloth, low=float(low), crumple=float(self.rng.uniform(0, 0.01)))

    def _top(self) -> None:
        rng = self.rng
        if self._chance(0.12, 0.05):
            if self.woman:
                self._paint_bra()
        elif self._chance(0.62, 0.8):
            cloth = self._cloth("sport" if self.sport else "any")
            sleeve = 9.0
            if rng.random() < (0.65 if self.sport else 0.3):
                sleeve = float(
                    rng.choice(
                        [rng.uniform(0.2, 0.24), rng.uniform(0.27, 0.42), rng.uniform(0.42, 0.6)], p=[0.25, 0.6, 0.15]
                    )
                )
            low = float(rng.uniform(-0.12, 0.12)) if rng.random() < 0.25 else -9.0
            self._wear(("top",), cloth, sleeve=sleeve, low=low, **self._looseness())
            open_front = bool(self.worn) and not self._covers_chest(self.worn[-1].garment)
            if rng.random() < 0.25 or open_front:
                self._paint_top()
        else:
            self._paint_top()

    def _covers_chest(self, number: int) -> bool:
        x, y, z = self.wardrobe.body.points.T
        chest = (np.abs(x) < 0.1) & (y > 0.2) & (y < 0.33) & (z > 0.05)
        return bool(self.wardrobe.garments[number].covers[chest].mean() > 0.6)

    def _paint_top(self) -> None:
        rng = self.rng
        sleeves = [0.16, rng.uniform(0.24, 0.42), rng.uniform(0.42, 0.6), 0.67]
        sleeve = float(rng.choice(sleeves, p=[0.25, 0.45, 0.08, 0.22]))
        low = float(rng.choice([rng.uniform(-0.12, 0.0), rng.uniform(0.0, 0.16)], p=[0.8, 0.2]))
        cloth = self._cloth("sport" if self.sport else "any")
        loose, neckline = float(rng.uniform(0.001, 0.014)), float(rng.uniform(0.0, 0.12))
        self.painted.append(Painted(cloth, "top", loose, sleeve=sleeve, low=low, neckline=neckline))

    def _paint_bra(self) -> None:
        cloth, low = draw_cloth(self.rng, "sport"), float(self.rng.uniform(0.12, 0.2))
        self.painted.append(
            Painted(cloth, "top", 0.002, sleeve=0.16, low=low, neckline=float(self.rng.uniform(0.06, 0.12)))
        )

    def _feet(self) -> None:
        rng = self.rng
        if self._chance(0.12, 0.14):  # bare feet
            return
        if self._chance(0.85, 0.6):
            high = rng.choice(
                [rng.uniform(-0.9, -0.86), rng.uniform(-0.85, -0.7), rng.uniform(-0.66, -0.55)], p=[0.4, 0.3, 0.3]
            )
            sock = self._cloth("sock")
            self.painted.append(Painted(sock, "feet", 0.001, high=float(high)))
        if not (rng.random() < 0.8 and self._wear(("shoes",), draw_cloth(rng, "shoes"))):
            self.painted.append(Painted(draw_cloth(rng, "shoes"), "feet", 0.006, high=float(rng.uniform(-0.95, -0.9))))

    def _head(self) -> None:
        rng, way = self.rng, self.rng.random()
        if way < 0.68:
            self._wear(("hair",), self._hair())
        elif way < 0.77:
            self._wear(("hat",), draw_cloth(rng, "plain"))
        elif way < 0.83:
            low = float(rng.uniform(0.62, 0.65))
            self.painted.append(Painted(draw_cloth(rng, "plain"), "cap", float(rng.uniform(0.006, 0.02)), low=low))

    def _hair(self) -> Cloth:
        rng, x = self.rng, np.linspace(0, 2 * np.pi, SIDE, endpoint=False)
        strands = sum(np.sin(k * x + rng.uniform(0, 6.3)) for k in rng.integers(4, 40, 6)) / 6
        colour = self.look.hair if rng.random() < 0.96 else cloth_colour(rng, 1.0)
        waves = np.concatenate([rng.normal(0, 60, (4, 3)) * [1, 0.2, 1], rng.uniform(0, 6.3, (4, 1))], 1)
        weave = Weave(np.zeros(3), colour, (1 + 0.6 * strands)[None])
        return Cloth(weave, 8.0, 0.2, 0.3, waves.astype(np.float32))
