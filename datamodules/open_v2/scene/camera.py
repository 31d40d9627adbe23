"""Cameras as people use them: a lens, a height above the ground, and a person somewhere in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from datamodules.open_v2.turns import composed

_NEAREST = 0.4  # metres between the lens and the nearest point
_FARTHEST = 30.0
_LENSES = (((15.0, 30.0), 0.2), ((30.0, 55.0), 0.45), ((55.0, 75.0), 0.35))  # degrees across a photograph, share
_STEEPEST = np.deg2rad(50)


@dataclass(frozen=True)
class Viewpoint:
    """Where the camera stands in the world (y up) and how it is turned.

    Attributes:
        eye: metres.
        world: rotation from the world to the camera frame (x right, y down, z forward).
    """

    eye: Float[np.ndarray, "3"]
    world: Float[np.ndarray, "3 3"]

    def see(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points in the camera frame."""
        return np.asarray((points - self.eye) @ self.world.T)

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """World points on the image plane at distance one."""
        seen = self.see(points)
        return seen[..., :2] / np.maximum(seen[..., 2:], 1e-3)


def draw_viewpoint(
    rng: np.random.Generator,
    region: Float[np.ndarray, "points 3"],
    body: Float[np.ndarray, "all 3"],
    share: tuple[float, float],
) -> Viewpoint:
    """A camera that looks at a region from +z.

    Args:
        rng: source of the draw.
        region: the points that the photograph is about, world.
        body: all points of the person; the camera is not inside of it.
        share: least and most of the photograph that the region spans.
    """
    lens = _LENSES[int(rng.choice(len(_LENSES), p=[weight for _, weight in _LENSES]))][0]
    half = np.tan(np.deg2rad(rng.uniform(*lens)) / 2)
    part = rng.uniform(*share)
    centre = (region.min(0) + region.max(0)) / 2
    size = max(np.ptp(region[:, 1]), np.ptp(region[:, 0]))
    distance = float(np.clip(size / (2 * half * part), 0.7, _FARTHEST))
    height = float(np.clip(_eye_height(rng, distance) - centre[1], *(np.sin([-_STEEPEST, _STEEPEST]) * distance)))
    height = max(height, 0.15 - centre[1])
    eye = centre + np.array([0.0, height, np.sqrt(max(distance**2 - height**2, 0.2))])
    room = max(1 - part, 0.05) * half
    aside = rng.uniform(-1, 1, 2) * room * [1.0, 0.7]
    roll = rng.uniform(-0.35, 0.35) if rng.random() < 0.06 else rng.normal(0, np.deg2rad(3.5))
    world = _look(centre - eye, aside, float(roll))
    nearest = ((body - eye) @ world[2]).min()
    if nearest < _NEAREST:
        eye = eye - world[2] * (_NEAREST - nearest)
    return Viewpoint(eye, world)


def _eye_height(rng: np.random.Generator, distance: float) -> float:
    """Metres above the ground: most pictures are taken standing, some from the knee, some from stands and windows."""
    kind = rng.random()
    if kind < 0.17:
        return float(rng.uniform(0.25, 1.0))
    if kind < 0.8:
        return float(rng.normal(1.5, 0.15))
    return float(1.7 + rng.uniform(0, 0.7) * distance)


def _look(towards: Float[np.ndarray, "3"], aside: Float[np.ndarray, "2"], roll: float) -> Float[np.ndarray, "3 3"]:
    """World-to-camera rotation that shows a direction at `aside` on the image plane at distance one."""
    forward = towards / np.linalg.norm(towards)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    straight = np.stack([right, np.cross(forward, right), forward])
    direction = np.array([*aside, 1.0])
    axis = np.cross([0.0, 0.0, 1.0], direction)
    length = np.linalg.norm(axis)
    angle = np.arctan2(length, 1.0)
    turn = composed(np.array([0.0, 0.0, roll]), axis / max(length, 1e-9) * angle)
    return np.asarray(Rotation.from_rotvec(turn).as_matrix() @ straight)
