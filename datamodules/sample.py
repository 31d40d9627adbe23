"""What a benchmark has to produce: one raw sample, in the conventions and the skeleton of its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int8, UInt8

from body.skeleton import Skeleton

GENDERS = ("neutral", "male", "female")


@dataclass(frozen=True)
class Smpl:
    """SMPL parameters in the camera frame: axis-angle with the orientation first, shape, translation in metres.

    24 joints for SMPL, 16 for MANO.
    """

    pose: Float[np.ndarray, "parts 3"]
    betas: Float[np.ndarray, "10"]
    transl: Float[np.ndarray, "3"]


@dataclass(frozen=True)
class RawSample:
    """One person in one image, before cropping and augmentation.

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
        depth_order: [i, j] = -1 when joint i is annotated as nearer to the camera than j, 1 farther, 0 level; None when
            it follows from `joints`.
        depth_order_valid: which pairs are annotated; None together with `depth_order`.
        absolute: whether `joints` and `smpl` are at the person's position; otherwise they are right relative to each
            other only, and their depth is an estimate from pixels.
        estimated_root_depth: how far away RootNet's results have the root joint, metres; None without.
        smpl: None when there is no fit.
        gender: of the body that `smpl` belongs to, one of `GENDERS`.
        iuv: part 0..24, U and V of every pixel; None without surface labels.
        dense_points: DensePose's annotated points: x, y (pixels), part 1..24, U and V (0..1).
        dense_mask: DensePose's coarse parts 1..14 of every pixel, 0 elsewhere.
        part_labels: part labels of every pixel, 255 where none was drawn.
        silhouette: 1 where the person is, of every pixel; None where it is where `part_labels` are not 0.
        index: position in the split.
        image_id, annotation_id: the benchmark's numbers of image and person; -1 where it has none.
        image_name: file of the image, relative to the benchmark's folder.
        subject, action, sequence, camera, frame: what the sample is called in its benchmark.
    """

    image: UInt8[np.ndarray, "height width 3"]
    intrinsics: Float[np.ndarray, "3 3"]
    box: Float[np.ndarray, "4"]
    joints: Float[np.ndarray, "joints 3"]
    joints_valid: Bool[np.ndarray, " joints"]
    skeleton: Skeleton
    index: int
    joints_2d: Float[np.ndarray, "joints 2"] | None = None
    joints_2d_valid: Bool[np.ndarray, " joints"] | None = None
    depth_order: Int8[np.ndarray, "joints joints"] | None = None
    depth_order_valid: Bool[np.ndarray, "joints joints"] | None = None
    absolute: bool = True
    estimated_root_depth: float | None = None
    smpl: Smpl | None = None
    gender: str = "neutral"
    iuv: UInt8[np.ndarray, "height width 3"] | None = None
    dense_points: Float[np.ndarray, "points 5"] | None = None
    dense_mask: UInt8[np.ndarray, "height width"] | None = None
    part_labels: UInt8[np.ndarray, "height width"] | None = None
    silhouette: UInt8[np.ndarray, "height width"] | None = None
    image_id: int = -1
    annotation_id: int = -1
    image_name: str = ""
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
