"""One predicted person as plain arrays, for the file formats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from body.skeleton import Skeleton
from lightning_modules.prediction import Prediction


@dataclass(frozen=True)
class SourceImage:
    """The image of a prediction.

    Attributes:
        pixels: RGB.
        intrinsics: camera, pixels.
        name: file name; outputs are named after it and refer to it.
        intrinsics_given: whether the user gave the intrinsics; otherwise they are the default of 60 degrees.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    intrinsics: Float[np.ndarray, "3 3"]
    name: str
    intrinsics_given: bool = False


@dataclass(frozen=True)
class Person:
    """One person of a `Prediction`.

    Attributes:
        joints: camera frame, metres.
        joints_2d: full-image pixels.
        skeleton: names of the joints.
        vertices: camera frame, metres; no rows for a method without a mesh.
        faces: triangles, counter-clockwise from outside.
        box: (x, y, width, height) in full-image pixels.
        root_depth_source: see `Prediction`.
        pose: axis-angle of SMPL's 24 joints, or None.
        betas: shape coefficients, or None.
        transl: added to the posed body, metres, or None.
        score: the detector's probability; 1 for a box that was given.
        body: name of the body model that pose, shape and mesh are of, or `none`.
        fit_error_mm: see `SmplParameters`.
    """

    joints: Float[np.ndarray, "joints 3"]
    joints_2d: Float[np.ndarray, "joints 2"]
    skeleton: Skeleton
    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    box: tuple[float, float, float, float]
    root_depth_source: str
    pose: Float[np.ndarray, "24 3"] | None = None
    betas: Float[np.ndarray, "10"] | None = None
    transl: Float[np.ndarray, "3"] | None = None
    score: float = 1.0
    body: str = "none"
    fit_error_mm: float | None = None


def extract_person(
    prediction: Prediction,
    index: int,
    box: tuple[float, float, float, float],
    score: float = 1.0,
    body: str = "none",
) -> Person:
    """Person number `index` of a prediction, in 32-bit floats; the other arguments are attributes of `Person`."""

    def row(values: Tensor | None) -> np.ndarray:
        if values is None:
            return np.zeros((0, 3), np.float32)
        array: np.ndarray = values[index].detach().float().cpu().numpy()
        return array

    smpl = prediction.smpl
    return Person(
        joints=row(prediction.joints),
        joints_2d=row(prediction.joints_2d),
        skeleton=prediction.skeleton,
        vertices=row(prediction.vertices),
        faces=np.zeros((0, 3), np.int64) if prediction.faces is None else np.asarray(prediction.faces, np.int64),
        box=box,
        root_depth_source=prediction.root_depth_source,
        pose=None if smpl is None else row(smpl.pose),
        betas=None if smpl is None else row(smpl.betas),
        transl=None if smpl is None or smpl.transl is None else row(smpl.transl),
        score=score,
        body=body,
        fit_error_mm=None if smpl is None or smpl.fit_error_mm is None else float(smpl.fit_error_mm[index]),
    )
