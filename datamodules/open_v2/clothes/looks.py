"""What the bare body looks like: skin, face, hair that grows on the scalp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from datamodules.synthetic.texture import look_up, noise

Colour = Float[np.ndarray, "3"]
Points = Float[np.ndarray, "points 3"]

_SKIN = np.array(
    [[0.72, 0.46, 0.35], [0.62, 0.36, 0.24], [0.42, 0.22, 0.13], [0.22, 0.105, 0.06], [0.085, 0.042, 0.027]]
)
_HAIR = np.array(
    [
        [0.012, 0.010, 0.009],
        [0.020, 0.013, 0.010],
        [0.050, 0.028, 0.016],
        [0.110, 0.060, 0.030],
        [0.330, 0.200, 0.090],
        [0.240, 0.075, 0.030],
        [0.350, 0.340, 0.330],
    ]
)
_HAIR_SHARES = (0.32, 0.2, 0.18, 0.12, 0.09, 0.03, 0.06)
_BLOTCHES = np.array([0.7, 1.0, 1.0], np.float32)
_EYE, _BROW, _MOUTH, _NOSE = (0.0300, 0.603), 0.621, 0.529, 0.553
_HAIRLINE = np.array([[-0.06, 0.525], [0.0, 0.54], [0.045, 0.598], [0.072, 0.612], [0.085, 0.645], [0.12, 0.668]])
"""(z, y) of the hairline, from the nape over the ear to the forehead, metres on the template."""


@dataclass(frozen=True)
class Look:
    """Looks of a bare body.

    Attributes:
        skin: albedo.
        lips: albedo.
        uneven: how much the skin's tone varies.
        shine: gloss of the skin.
        scalp: share of the hair's colour on the scalp: 0 bald, 1 covered.
        recede: metres by which the hairline is drawn back.
        thickness: of the hair on the scalp, metres.
        beard: share of the hair's colour on chin and jaw, 0 for none.
        marks: what colours the skin unevenly.
    """

    skin: Colour
    lips: Colour
    uneven: float
    shine: float
    hair: Colour
    brow: float
    scalp: float
    recede: float
    thickness: float
    beard: float
    iris: Colour
    glasses: Colour | None
    sunglasses: bool
    marks: Float[np.ndarray, "128 128"]

    def paint(self, points: Points) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, " points"]]:
        """Albedo and gloss of template points (metres, T-pose)."""
        blotch = look_up(self.marks, points[:, 0] * 3.1 + points[:, 2] * 2.3, points[:, 1] * 3.7) - np.float32(0.5)
        albedo = self.skin * (1 + self.uneven * blotch[:, None] * _BLOTCHES)
        gloss = np.full(len(points), self.shine, np.float32)
        head = np.flatnonzero(points[:, 1] > 0.48)
        if len(head):
            near = points[head]
            albedo[head], gloss[head] = self._paint_head(near, albedo[head], gloss[head])
        return albedo.astype(np.float32), gloss

    def on_scalp(self, points: Points) -> Bool[np.ndarray, " points"]:
        """Where hair grows."""
        line = np.interp(points[:, 2], _HAIRLINE[:, 0], _HAIRLINE[:, 1]) + self.recede * (points[:, 2] > 0.05)
        return np.asarray((points[:, 1] > line) & (np.abs(points[:, 0]) < 0.083))

    def _paint_head(
        self, points: Points, albedo: Points, gloss: Float[np.ndarray, " points"]
    ) -> tuple[Points, np.ndarray]:
        x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]

        def ellipse(cx: float, cy: float, rx: float, ry: float) -> Bool[np.ndarray, " points"]:
            return np.asarray((z > 0.09) & (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1))

        def mix(where: np.ndarray, colour: Colour, share: float) -> None:
            albedo[where] += (colour - albedo[where]) * share

        mix(ellipse(0.042, 0.565, 0.022, 0.02), self.skin * [1.1, 0.75, 0.72], 0.5)  # cheeks
        mix(ellipse(_EYE[0], _EYE[1] + 0.002, 0.024, 0.015), self.skin * [0.6, 0.5, 0.5], 0.5)
        mix(ellipse(0.009, _NOSE - 0.006, 0.006, 0.004), self.skin * 0.25, 0.7)
        if self.beard > 0:
            jaw = (
                (z > 0.045)
                & (y < 0.553 - 0.25 * np.clip(x - 0.02, -0.02, 0.02) + 0.5 * np.clip(0.09 - z, 0, 0.1))
                & (y > 0.485)
            )
            mix(jaw & ~ellipse(0.0, _MOUTH, 0.026, 0.0085), self.hair, self.beard)
        mix(ellipse(0.0, _MOUTH, 0.0255, 0.0085), self.lips, 0.9)
        mix(ellipse(0.0, _MOUTH + 0.0005, 0.022, 0.0013), self.skin * 0.15, 0.8)
        mix(ellipse(_EYE[0], _EYE[1], 0.0145, 0.0062), np.full(3, 0.62, np.float32), 1.0)
        mix(ellipse(_EYE[0], _EYE[1] + 0.0005, 0.0062, 0.0062), self.iris, 1.0)
        mix(ellipse(_EYE[0], _EYE[1] + 0.0005, 0.0028, 0.0028), np.full(3, 0.005, np.float32), 1.0)
        mix(ellipse(_EYE[0], _EYE[1] + 0.0068, 0.0155, 0.0017), self.hair * 0.3, 0.9)
        mix(ellipse(_EYE[0] + 0.003, _BROW, 0.019, self.brow), self.hair * 0.8, 0.85)
        scalp = self.on_scalp(points)
        mix(scalp, self.hair, self.scalp)
        gloss[scalp] *= 0.6
        if self.glasses is not None:
            rim = ellipse(_EYE[0] + 0.002, _EYE[1] - 0.002, 0.025, 0.019)
            inner = ellipse(_EYE[0] + 0.002, _EYE[1] - 0.002, 0.0215, 0.0155)
            rim |= ((np.abs(y - _EYE[1] - 0.004) < 0.0025) & (x > 0.05) & (z > 0.03)) | ellipse(
                0.0, _EYE[1], 0.009, 0.002
            )
            dark = rim if self.sunglasses else rim & ~inner
            mix(dark, self.glasses, 1.0)
            gloss[rim] = 0.6
        return albedo, gloss


def draw_look(rng: np.random.Generator, woman: bool) -> Look:
    """The looks of one person of anywhere in the world."""
    at = rng.uniform(0, len(_SKIN) - 1)
    skin = np.stack([np.interp(at, np.arange(len(_SKIN)), _SKIN[:, c]) for c in range(3)]) * rng.uniform(0.9, 1.1, 3)
    hair = _HAIR[1 if at > 3 and rng.random() < 0.8 else int(rng.choice(len(_HAIR), p=_HAIR_SHARES))]
    hair = hair * rng.uniform(0.6, 1.5) * rng.uniform(0.92, 1.08, 3)
    lips = skin * ([0.9, 0.45, 0.45] if rng.random() < 0.8 or not woman else [0.7, 0.12, 0.15])
    uneven = rng.uniform(0.05, 0.25)
    marks = noise(rng)
    beard = rng.random() < 0.35 and not woman
    glasses = rng.random() < 0.16
    return Look(
        skin=skin.astype(np.float32),
        lips=np.asarray(lips, np.float32),
        uneven=float(uneven),
        shine=float(rng.uniform(0.05, 0.3)),
        hair=hair.astype(np.float32),
        brow=float(rng.uniform(0.0025, 0.0055)),
        scalp=float(rng.choice([0.05, 0.5, 0.95], p=[0.1, 0.1, 0.8])),
        recede=float(rng.choice([0.0, rng.uniform(0, 0.03)], p=[0.7, 0.3])),
        thickness=float(rng.uniform(0.0, 0.014)),
        beard=float(rng.uniform(0.25, 0.95)) if beard else 0.0,
        iris=np.asarray(
            rng.choice([[0.05, 0.025, 0.012], [0.02, 0.01, 0.007], [0.1, 0.16, 0.22], [0.07, 0.1, 0.05]]), np.float32
        ),
        glasses=np.asarray(rng.uniform(0.003, 0.05, 3) if rng.random() < 0.8 else rng.uniform(0, 0.5, 3), np.float32)
        if glasses
        else None,
        sunglasses=rng.random() < 0.4,
        marks=marks,
    )
