"""What a benchmark has to produce: one raw sample, in the conventions and the skeleton of its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8

from body.skeleton import Skeleton


@dataclass(frozen=True)
class Smpl:
    """SMPL parameters in the camera frame: axis-angle with the orientation first, shape, translation in metres."""

    pose: Float[np.ndarray, "24 3"]
    betas: Float[np.ndarray, "10"]
    transl: Float[np.ndarray, "3"]


@dataclass(frozen=True)
class RawSample:
    """One person in one photograph, before cropping and augmentation.

    Camera frame: x right, y down, z forward, metres. Pixels are those of the full image, centres at integers.

    Attributes:
        image: RGB.
        intrinsics: camera of the image, pixels.
        box: (x, y, width, height) of the person, pixels.
        joints: in `skeleton`, zeros where not annotated.
        joints_valid: which 3D joints are annotated.
        joints_2d: pixels, in `skeleton`; None when they are the projections of `joints`.
        joints_2d_valid: as `joints_valid`; None together with `joints_2d`.
        skeleton: joint set of the annotations.
        smpl: None when there is no fit.
        iuv: part 0..24, U and V of every pixel; None without surface labels.
        index: position in the split.
        subject, action, sequence, camera, frame: what the sample is called in its benchmark.
    """

    image: UInt8[np.ndarray, "height width 3"]
    intrinsics: Float[np.ndarray, "3 3"]
    box: Float[np.ndarray, "4"]
    joints: Float[np.ndarray, "joints 3"]
    joints_valid: Bool[np.ndarray, "joints"]
    skeleton: Skeleton
    index: int
    joints_2d: Float[np.ndarray, "joints 2"] | None = None
    joints_2d_valid: Bool[np.ndarray, "joints"] | None = None
    smpl: Smpl | None = None
    iuv: UInt8[np.ndarray, "height width 3"] | None = None
    subject: str = ""
    action: str = ""
    sequence: str = ""
    camera: str = ""
    frame: int = 0


@runtime_checkable
class Source(Protocol):
    """A split of a benchmark: a sequence of raw samples."""

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def __getitem__(self, index: int) -> RawSample:
        """Sample at a position."""
        ...
