"""People as seen from the side and from above, on a plain background."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from body.draw import scene_overlay, skeleton_overlay
from zoo.prediction.export.drawing import colour_of
from zoo.prediction.export.person import Person

_VIEWS = {
    "side": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
    "above": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}
"""Rotations of the camera frame: what was away is to the right from the side, and up from above."""
_FAR = 10  # times the people's extent: nearly parallel rays
_BACKGROUND = 245


def draw_views(people: Sequence[Person], side: int = 640) -> UInt8[np.ndarray, "height width 3"]:
    """Everybody from the side and, beside it, from above, at one scale; skeletons where the method has no mesh.

    Args:
        people: at least one.
        side: of each view, pixels.
    """
    points = np.concatenate([_points(person) for person in people])
    centre = (points.min(0) + points.max(0)) / 2
    extent = max(float(np.ptp(points, axis=0).max()) * 1.1, 0.1)
    middle, focal = (side - 1) / 2, side * _FAR
    camera = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    views = []
    for name, rotation in _VIEWS.items():
        blank = np.full((side, side, 3), _BACKGROUND, np.uint8)
        moved = [(_points(one) - centre) @ rotation.T + [0, 0, _FAR * extent] for one in people]
        drawn = _draw(people, moved, camera, blank)
        label = (side // 40, side // 20)
        cv2.putText(drawn, name, label, cv2.FONT_HERSHEY_SIMPLEX, side / 1000, (90, 90, 90), 1, cv2.LINE_AA)
        views.append(drawn)
    return np.concatenate(views, 1)


def _points(person: Person) -> Float[np.ndarray, "points 3"]:
    return person.vertices if len(person.vertices) else person.joints


def _draw(
    people: Sequence[Person],
    points: Sequence[Float[np.ndarray, "points 3"]],
    camera: Float[np.ndarray, "3 3"],
    image: UInt8[np.ndarray, "side side 3"],
) -> UInt8[np.ndarray, "side side 3"]:
    """Rays are cast only where there may be people."""
    flat = [each @ camera.T for each in points]
    pixels = [each[:, :2] / each[:, 2:] for each in flat]
    if not len(people[0].vertices):
        for person, place in zip(people, pixels, strict=True):
            image = skeleton_overlay(image, place, person.skeleton)
        return image
    every = np.concatenate(pixels)
    left, top = np.floor(every.min(0)).clip(0).astype(int)
    right, bottom = np.ceil(every.max(0)).clip(0, len(image) - 1).astype(int) + 1
    shifted = camera - np.array([[0, 0, left], [0, 0, top], [0, 0, 0]])
    meshes = [(each.astype(np.float32), one.faces) for each, one in zip(points, people, strict=True)]
    colours = [colour_of(number) for number in range(len(people))]
    part = np.ascontiguousarray(image[top:bottom, left:right])
    image[top:bottom, left:right] = scene_overlay(part, meshes, shifted, colours, alpha=1.0)
    return image
