"""Smoothing of a person in time, with a look ahead: local regression whose width follows the speed.

The One Euro filter (Casiez, Roussel and Vogel 2012) lowers jitter where the body is at rest and lag where it moves, by
a cut-off frequency that grows with the speed. Here the same rule gives the width of a Gaussian in time, and a line
fitted under it gives the value: unlike the filter's, it has no lag, and frames may be unevenly spaced.

Convention:
    Joints, vertices and the rest relative to the root: mean of the line. Rotations: the same weights for the matrices,
    then the nearest rotation. Root: its ray (x/z, y/z), and log z under a wider Gaussian of fixed width. Bodies are
    first scaled about the camera, which no image can tell, to the mean length of their bones along the track.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from zoo.prediction.video.blending import Sample, blend
from zoo.prediction.video.people import TrackedPerson


@dataclass(frozen=True)
class SmoothingSettings:
    """How strongly.

    Attributes:
        min_cutoff: of a body at rest, Hz.
        beta: by how much a speed of 1 m/s raises it, Hz.
        depth_width: of the Gaussian for the root's depth, seconds.
        window: seconds before and after that are looked at.
        max_frames: of them, on either side.
    """

    min_cutoff: float = 1.0
    beta: float = 2.0
    depth_width: float = 0.3
    window: float = 0.5
    max_frames: int = 32


def smooth(samples: Sequence[Sample], at: int, size: float, settings: SmoothingSettings) -> TrackedPerson:
    """The person of sample number `at`, smoothed.

    Args:
        samples: of one track, in order, around the one in question.
        at: index.
        size: mean length of the track's bones, metres, that the body gets.
        settings: how strongly.
    """
    here = samples[at]
    times = np.array([one.time - here.time for one in samples])
    weights = line_weights(times, _width(samples, times, settings))
    prediction = blend(samples, weights, line_weights(times, settings.depth_width), size)
    boxes = np.array([one.person.box for one in samples])
    x, y, width, height = (float(value) for value in weights @ boxes)
    return replace(here.person, prediction=prediction, box=(x, y, max(width, 1.0), max(height, 1.0)))


def line_weights(times: Float[np.ndarray, " samples"], width: float) -> Float[np.ndarray, " samples"]:
    """Weights with which samples make the value at time 0 of the line that fits them best under a Gaussian.

    They sum to 1. One sample alone has all the weight.
    """
    gaussian = np.exp(-0.5 * (times / width) ** 2)
    total, first, second = gaussian.sum(), (gaussian * times).sum(), (gaussian * times**2).sum()
    determinant = total * second - first**2
    if determinant < 1e-6 * (total * width) ** 2:  # about one sample only: no line
        return np.asarray(gaussian / total)
    return np.asarray(gaussian * (second - first * times) / determinant)


def _width(samples: Sequence[Sample], times: Float[np.ndarray, " samples"], settings: SmoothingSettings) -> float:
    """Of the Gaussian, seconds: the One Euro filter's cut-off is the frequency whose power it halves."""
    slope = _slope_weights(times, 1 / (2 * math.pi * settings.min_cutoff))
    joints = torch.stack([one.person.prediction.joints[0] for one in samples]).double().cpu().numpy()
    scales = np.array([one.size for one in samples])
    joints = joints * (scales.mean() / scales)[:, None, None]
    speed = np.linalg.norm(np.tensordot(slope, joints, 1)[:, :2], axis=-1)  # without the depth, which is the least sure
    cutoff = settings.min_cutoff + settings.beta * float(np.sqrt((speed**2).mean()))
    return math.sqrt(math.log(2)) / (2 * math.pi * cutoff)


def _slope_weights(times: Float[np.ndarray, " samples"], width: float) -> Float[np.ndarray, " samples"]:
    """Weights with which samples make the slope of that line."""
    gaussian = np.exp(-0.5 * (times / width) ** 2)
    offsets = times - (gaussian * times).sum() / gaussian.sum()
    spread = (gaussian * offsets**2).sum()
    return np.asarray(gaussian * offsets / spread if spread > 1e-12 else np.zeros_like(times))
