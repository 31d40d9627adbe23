"""Which person of a frame is which of the frames before: Hungarian assignment to predicted boxes and joints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from zoo.prediction.inputs import Box

PATIENCE = 1.5
"""Seconds after which a person that is not found is forgotten."""
_MIN_SIMILARITY = 0.12
_JOINT_SPREAD = 0.15
"""Distance of joints that halves their likeness roughly, in parts of the box's size."""
_GROWTH = 2.0
"""By how much that spread has grown, as a factor above 1, after one second without the person."""
_COAST = 0.7
"""Time constant, seconds, with which the velocity of an unseen person fades."""
_MEMORY = 0.15
"""Time constant, seconds, of the velocity's average."""


@dataclass(frozen=True)
class Observation:
    """A person of a frame: box (x, y, width, height) and joints, both in pixels."""

    box: Box
    joints: Float[np.ndarray, "joints 2"]


@dataclass
class _Track:
    number: int
    time: float
    last: Observation
    velocity: Float[np.ndarray, "2"]
    sightings: int = 1

    def shift(self, time: float) -> Float[np.ndarray, "2"]:
        """How far it has moved since it was seen, at a velocity that fades."""
        gap = time - self.time
        return self.velocity * _COAST * (1 - math.exp(-gap / _COAST))

    def see(self, time: float, seen: Observation, likeness: float) -> None:
        """Take a new observation in; one that is little like this person says little of how fast it moves."""
        gap = max(time - self.time, 1e-3)
        measured = (_centre(seen) - _centre(self.last)) / gap
        # the first one is taken as it is; later ones weigh less the shorter the time that they were measured over
        weight = 1.0 if self.sightings == 1 else likeness * (1 - math.exp(-gap / _MEMORY))
        self.velocity = self.velocity + weight * (measured - self.velocity)
        self.time, self.last, self.sightings = time, seen, self.sightings + 1


class Tracker:
    """Numbers the people of consecutive frames.

    A track is expected where its velocity takes it. The likeness of a track and a person is the mean of the overlap of
    their boxes (IoU) and of their joints' likeness, a Gaussian of the distance in parts of the size; the assignment
    that has the largest sum is taken. People who are not found keep their numbers for `patience` seconds.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._tracks: list[_Track] = []
        self._count = 0

    def update(self, time: float, people: Sequence[Observation]) -> list[int]:
        """Numbers of the people of the next frame.

        Args:
            time: seconds, increasing.
            people: with the same joints in all frames.
        """
        self._tracks = [track for track in self._tracks if time - track.time <= self.patience]
        likeness = np.array([[_likeness(track, time, one) for one in people] for track in self._tracks])
        numbers = [-1] * len(people)
        if likeness.size:
            for row, column in zip(*linear_sum_assignment(likeness, maximize=True), strict=True):
                if likeness[row, column] >= _MIN_SIMILARITY:
                    self._tracks[row].see(time, people[column], float(likeness[row, column]))
                    numbers[column] = self._tracks[row].number
        for column, one in enumerate(people):
            if numbers[column] < 0:
                numbers[column] = self._count
                self._tracks.append(_Track(self._count, time, one, np.zeros(2)))
                self._count += 1
        return numbers


def _likeness(track: _Track, time: float, seen: Observation) -> float:
    shift = track.shift(time)
    x, y, width, height = track.last.box
    overlap = _overlap((x + shift[0], y + shift[1], width, height), seen.box)
    size = math.sqrt(max(width * height, 1.0))
    spread = _JOINT_SPREAD * size * (1 + _GROWTH * (time - track.time))
    distance = np.linalg.norm(track.last.joints + shift - seen.joints, axis=1)
    return (overlap + float(np.exp(-0.5 * (distance / spread) ** 2).mean())) / 2


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(width, 0.0) * max(height, 0.0)
    return common / max(one[2] * one[3] + other[2] * other[3] - common, 1e-9)


def _centre(seen: Observation) -> Float[np.ndarray, "2"]:
    """Of the joints, which do not jump as boxes do when a limb is hidden."""
    return np.asarray(np.median(seen.joints, axis=0), np.float64)
