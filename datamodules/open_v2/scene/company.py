"""Other people around the subject: beside, behind, in front, near enough to touch or farther away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from datamodules.open_v2.scene.figure import Figure, gaps

_COUNT = (0.5, 0.29, 0.14, 0.07)  # share of pictures with 0, 1, 2, 3 others
_COARSE, _FINE = np.linspace(0.15, 6.0, 19), np.linspace(-0.325, 0.0, 14)  # metres along the line, from the nearest


def draw_company(rng: np.random.Generator, subject: Figure, draw: Callable[[], Figure]) -> list[Figure]:
    """People on the subject's ground, the camera being somewhere at +z; none goes through another.

    Each is moved away from the subject along a line until there is as much air as was drawn.
    """
    others: list[Figure] = []
    for _ in range(int(rng.choice(len(_COUNT), p=_COUNT))):
        other = draw()
        kind = rng.choice(["beside", "behind", "before"], p=[0.45, 0.37, 0.18])
        side = rng.choice([-1.0, 1.0])
        if kind == "beside":
            angle = side * rng.uniform(55, 125)
        elif kind == "behind":
            angle = 180 + rng.uniform(-60, 60)
        else:
            angle = side * rng.uniform(8, 60)
        air = rng.choice([0.01, rng.uniform(0.03, 0.4), rng.uniform(0.3, 4.0)], p=[0.3, 0.4, 0.3])
        away = np.array([np.sin(np.deg2rad(angle)), 0.0, np.cos(np.deg2rad(angle))])
        moved = _set_apart(other, [subject, *others], away, float(air))
        others += [] if moved is None else [moved]
    return others


def _set_apart(figure: Figure, others: list[Figure], away: Float[np.ndarray, "3"], air: float) -> Figure | None:
    """The figure moved along a line to the nearest place with this much air around it; None where there is none."""
    coarse = np.flatnonzero(gaps(figure, others, _COARSE[:, None] * away) >= air)
    if not len(coarse):
        return None
    places = _COARSE[coarse[0]] + _FINE
    fine = np.flatnonzero(gaps(figure, others, places[:, None] * away) >= air)
    return figure.moved(places[fine[0]] * away) if len(fine) else None
