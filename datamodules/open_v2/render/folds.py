"""Folds of cloth: a bend of the normals that follows smooth noise in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from datamodules.open_v2.render.columns import dot, rows_of

_SIDE = 32


def _make_field() -> Float[np.ndarray, "32 32 32 3"]:
    """Gradient of periodic noise with ridges, of unit size on the mean."""
    rng = np.random.Generator(np.random.PCG64(7))
    wave = np.fft.fftfreq(_SIDE, 1 / _SIDE)
    radius = np.sqrt(sum(w**2 for w in np.meshgrid(wave, wave, wave, indexing="ij")))
    spectrum = np.exp(-((radius - 4) ** 2) / 5)
    smooth = np.fft.ifftn(np.fft.fftn(rng.standard_normal((_SIDE,) * 3)) * spectrum).real
    ridges = -np.sqrt((smooth / smooth.std()) ** 2 + 0.15)
    gradient = np.stack([np.roll(ridges, -1, axis) - np.roll(ridges, 1, axis) for axis in range(3)], -1)
    return (gradient / np.sqrt((gradient**2).sum(-1).mean())).astype(np.float32)


_FIELD = np.asfortranarray(_make_field().reshape(-1, 3))


def _look_up(place: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, "rays 3"]:
    cell = np.rint(place).astype(np.int32) & (_SIDE - 1)
    return rows_of(_FIELD, (cell[:, 0] * _SIDE + cell[:, 1]) * _SIDE + cell[:, 2])


@dataclass(frozen=True)
class Folds:
    """How cloth of one picture folds.

    Attributes:
        scale: cells of the noise per metre, for each layer.
        depth: how far normals bend, for each layer.
        axes: rotation that turns the noise, one for the picture; its cells are longer along its last row.
    """

    scale: Float[np.ndarray, " layers"]
    depth: Float[np.ndarray, " layers"]
    axes: Float[np.ndarray, "3 3"]

    @classmethod
    def draw(cls, rng: np.random.Generator, layers: int) -> Folds:
        """Folds for so many layers."""
        axes = np.linalg.qr(rng.standard_normal((3, 3)))[0] * np.array([[1.0], [0.8], [0.35]])
        scale = np.exp(rng.uniform(np.log(20), np.log(60), layers))
        return cls(
            scale.astype(np.float32), rng.uniform(0.05, 0.55, layers).astype(np.float32), axes.astype(np.float32)
        )

    def bend(
        self,
        points: Float[np.ndarray, "rays 3"],
        normals: Float[np.ndarray, "rays 3"],
        cloth: Bool[np.ndarray, " rays"],
        layer: Int[np.ndarray, " rays"],
    ) -> Float[np.ndarray, "rays 3"]:
        """Normals bent of `cloth`."""
        rows = np.flatnonzero(cloth)
        if not len(rows):
            return normals
        place = (self.axes @ rows_of(points, rows).T * self.scale[layer[rows]]).T
        slope = _look_up(place) + np.float32(0.5) * _look_up(place * np.float32(2.7))
        part = rows_of(normals, rows) - ((self.axes.T @ slope.T) * self.depth[layer[rows]]).T
        bent = normals.copy("K")
        bent[rows] = part / np.sqrt(dot(part, part))[:, None]
        return bent
