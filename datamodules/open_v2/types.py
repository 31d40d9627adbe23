"""What the parts of the renderer hand to each other: people, meshes with a material, and the finished sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from body.raycast import Hits


@dataclass(frozen=True)
class Person:
    """One person of a scene.

    Attributes:
        pose: SMPL pose vector, axis-angle; joint 0 turns the body into the camera frame.
        betas: shape coefficients of the open body.
        transl: metres, camera frame, as `body.model.BodyModel.forward` takes it.
        action: where the pose is from, e.g. `walking` or `cmu/jump`.
        outfit_seed: what `draw_outfit` starts from.
    """

    pose: Float[np.ndarray, "24 3"]
    betas: Float[np.ndarray, "10"]
    transl: Float[np.ndarray, "3"]
    action: str
    outfit_seed: int


@dataclass(frozen=True)
class Shot:
    """What is before the camera; person 0 is the one that the labels describe.

    Attributes:
        people: person 0 first.
        intrinsics: pixels of the square picture.
        up: unit vector against gravity, camera frame.
        ground: a point of the ground, metres, camera frame.
        box: (x, y, width, height) of person 0 as a detector would draw it, pixels: jittered, cut at the border.
    """

    people: tuple[Person, ...]
    intrinsics: Float[np.ndarray, "3 3"]
    up: Float[np.ndarray, "3"]
    ground: Float[np.ndarray, "3"]
    box: Float[np.ndarray, "4"]


@runtime_checkable
class Material(Protocol):
    """Colours a mesh."""

    def paint(self, hits: Hits) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"]]:
        """Albedo (linear RGB in [0, 1]) and gloss (0 matt to 1) where rays met the mesh."""
        ...


@dataclass(frozen=True)
class Layer:
    """A mesh to be drawn: the visible part of a body, a garment, hair, a thing.

    Attributes:
        vertices: metres, camera frame.
        normals: unit vertex normals, camera frame.
        body_faces: for each face the face of the open body that lies under it (the bare body's own index for skin), or
            -1: with it, part and chart coordinates of what is seen are found. None for things.
        kind: skin lets light through, cloth folds, and both sides of hair and things are seen.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    normals: Float[np.ndarray, "vertices 3"]
    material: Material
    body_faces: Int[np.ndarray, " faces"] | None = None
    kind: Literal["skin", "cloth", "hair", "thing"] = "thing"


@dataclass(frozen=True)
class Sample:
    """A rendered person and its labels; camera frame, metres, pixels of the square picture.

    Attributes:
        foreground: premultiplied sRGB and coverage of everything but the background (people, things, and the shadow
            that they cast, which is black with some coverage). A picture is
            `foreground[..., :3] + (1 - foreground[..., 3:] / 255) * background`.
        iuv: part 0..24 and chart coordinates (0..255) of person 0 at every pixel.
        joints: in `datamodules.synthetic.generator.OPEN_SKELETON`; of the bare body of person 0.
        box: see `Shot`.
        background_seed: what the sample's own background is drawn from.
    """

    foreground: UInt8[np.ndarray, "size size 4"]
    iuv: UInt8[np.ndarray, "size size 3"]
    pose: Float[np.ndarray, "24 3"]
    betas: Float[np.ndarray, "10"]
    transl: Float[np.ndarray, "3"]
    intrinsics: Float[np.ndarray, "3 3"]
    joints: Float[np.ndarray, "joints 3"]
    box: Float[np.ndarray, "4"]
    action: str
    background_seed: int
