"""Things around people: seats below them, in their hands, in front of them, and beside them on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from body.raycast import Hits, interpolate
from body.shading import unit
from body.skeleton import SMPL24
from datamodules.open_v2.render.columns import cross
from datamodules.open_v2.scene.shapes import shape
from datamodules.open_v2.types import Layer, Shot
from datamodules.synthetic.texture import Texture, look_up, related, texture

_SEATED, _HELD, _IN_FRONT = 0.85, 0.15, 0.25  # shares: of those who sit, of people, of pictures
_SEATS = ("chair", "bench", "sofa", "stool", "cube", "cube")
_IN_HAND = ("ball", "racket", "stick", "bat", "bottle", "phone", "bag", "ball")
_BESIDE = ("box", "box", "chair", "table", "bicycle", "fence", "plant", "ball", "pole", "bench")
_LIMBS = [
    SMPL24.index(f"{side}_{limb}") for side in ("left", "right") for limb in ("knee", "ankle", "elbow", "wrist", "hip")
]


@dataclass(frozen=True)
class Coat:
    """Colours a thing by its own coordinates.

    Attributes:
        vertices: in the thing's frame, metres.
        faces: its triangles.
        along: for each face the coordinate axis that it looks along most.
        picture: tileable albedo.
        scale: repeats per metre.
        gloss: of the whole thing.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    along: Int[np.ndarray, " faces"]
    picture: Texture
    scale: float
    gloss: float

    def paint(self, hits: Hits) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"]]:
        """See `types.Material`."""
        place = interpolate(self.vertices, self.faces, hits)
        along = self.along[hits.face]
        u = np.where(along == 0, place[:, 2], place[:, 0])
        v = np.where(along == 1, place[:, 2], place[:, 1])
        gloss = np.full(len(place), self.gloss, np.float32)
        return look_up(self.picture, u * self.scale, v * self.scale).astype(np.float32), gloss


def _thing(
    rng: np.random.Generator,
    kind: str,
    scale: Float[np.ndarray, "3"],
    rotation: Float[np.ndarray, "3 3"],
    centre: Float[np.ndarray, "3"],
) -> Layer:
    """A thing of given scale and place: `rotation` takes its axes to the camera frame."""
    vertices, faces, normals = shape(kind)
    own = vertices * np.asarray(scale, np.float32)
    corners = own[faces]
    along = np.abs(cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])).argmax(-1)
    picture = texture(rng, *related(rng, 0.8, (0.05, 0.9)))
    if kind == "plant" and rng.random() < 0.8:
        picture = picture.mean() * np.array([0.6, 1.3, 0.35], np.float32) * (0.5 + picture.mean(-1, keepdims=True))
    gloss = float(rng.choice([0.0, 0.05, 0.3, 0.7]))
    coat = Coat(own, faces, along, picture, float(rng.uniform(0.6, 3)), gloss)
    turned = unit(normals / np.asarray(scale, np.float32)) @ rotation.T.astype(np.float32)
    placed = own @ rotation.T.astype(np.float32) + centre.astype(np.float32)
    return Layer(placed.astype(np.float32), faces, turned.astype(np.float32), coat, None, "thing")


def draw_things(rng: np.random.Generator, shot: Shot, joints: Float[np.ndarray, "people 24 3"]) -> list[Layer]:
    """All things of a picture; `joints` are SMPL's 24 of every person, camera frame."""
    upright = _upright(shot.up)
    things = []
    for body in joints:
        seat = _seat(rng, shot, body, upright)
        things += [] if seat is None else [seat]
        if rng.random() < _HELD:
            things.append(_held(rng, body))
    if rng.random() < _IN_FRONT:
        things.append(_in_front(rng, joints[0], upright))
    for _ in range(int(rng.choice(4, p=[0.55, 0.25, 0.12, 0.08]))):
        things.append(_beside(rng, shot, joints, upright))
    return things


def _upright(up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Rotation from a frame with y up to the camera's; z comes towards the camera."""
    back = np.array([0.0, 0.0, -1.0])
    back = unit(back - up * (back @ up))
    return np.stack([np.cross(up, back), up, back], -1)


def _turned(upright: Float[np.ndarray, "3 3"], yaw: float) -> Float[np.ndarray, "3 3"]:
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.asarray(upright @ np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]))


def _seat(
    rng: np.random.Generator, shot: Shot, body: Float[np.ndarray, "24 3"], upright: Float[np.ndarray, "3 3"]
) -> Layer | None:
    """Something below a pelvis whose thighs lie flat."""
    knees, hips = body[[4, 5]], body[[1, 2]]
    thighs = unit(knees - hips)
    height = float((body[0] - shot.ground) @ shot.up)
    flat = np.abs(thighs @ shot.up).max() < 0.55 and 0.2 < height < 1.2
    if not flat or rng.random() > _SEATED:
        return None
    local = thighs.mean(0) @ upright
    top = height - 0.11
    scale = np.array([rng.uniform(0.9, 1.3), top / 0.46, 1.0])
    centre = body[0] - shot.up * height + upright @ (unit(local * [1, 0, 1]) * 0.05)
    return _thing(rng, str(rng.choice(_SEATS)), scale, _turned(upright, float(np.arctan2(local[0], local[2]))), centre)


def _held(rng: np.random.Generator, body: Float[np.ndarray, "24 3"]) -> Layer:
    """Something in a hand, across the forearm or along it."""
    side = int(rng.integers(2))
    hand, elbow = body[22 + side], body[18 + side]
    kind = str(rng.choice(_IN_HAND))
    forearm = unit(hand - elbow)
    across = unit(np.cross(forearm, rng.standard_normal(3)))
    main = forearm if kind in ("ball", "phone") else unit(across + rng.uniform(0, 1.2) * forearm)
    main = np.array([0.0, -1.0, 0.0]) if kind == "bag" else main
    side_axis = unit(np.cross(main, forearm + 0.01))
    rotation = np.stack([side_axis, main, np.cross(side_axis, main)], -1)
    size = rng.uniform(0.07, 0.26) if kind == "ball" else rng.uniform(0.85, 1.2)
    place = hand + forearm * (0.04 + (size / 2 if kind == "ball" else 0.03))
    return _thing(rng, kind, np.full(3, size), rotation, place)


def _in_front(rng: np.random.Generator, body: Float[np.ndarray, "24 3"], upright: Float[np.ndarray, "3 3"]) -> Layer:
    """Something between the camera and a limb."""
    target = body[int(rng.choice(_LIMBS))]
    nearness = rng.uniform(0.5, 0.85)
    kind = str(rng.choice(["box", "panel", "pole", "plant", "ball", "panel"]))
    if kind == "panel":  # a counter, fence or low wall that hides the legs
        share = rng.uniform(0, 0.5)
        target = body[[7, 8]].mean(0) * (1 - share) + body[0] * share
        scale = np.array([rng.uniform(1, 4), rng.uniform(0.3, 1.0), 1.0]) * nearness
        return _thing(rng, kind, scale, _turned(upright, rng.normal(0, 0.3)), (target - upright[:, 1] * 0.6) * nearness)
    if kind == "pole":
        radius = rng.uniform(0.04, 0.16) * nearness
        lean = upright @ Rotation.from_euler("ZX", rng.normal(0, 0.12, 2)).as_matrix()
        return _thing(rng, kind, np.array([radius, 1.3, radius]), lean, target * nearness - lean[:, 1] * 2)
    scale = rng.uniform(0.12, 0.45, 3) if kind == "box" else np.full(3, rng.uniform(0.2, 0.5))
    scale = np.full(3, rng.uniform(0.6, 1.2)) if kind == "plant" else scale
    middle = {"box": 0.5, "plant": 0.7, "ball": 0.0}[kind] * scale[1]
    rotation = _turned(upright, rng.uniform(0, 6.3))
    return _thing(rng, kind, scale * nearness, rotation, target * nearness - upright[:, 1] * middle * nearness)


def _beside(
    rng: np.random.Generator, shot: Shot, joints: Float[np.ndarray, "people 24 3"], upright: Float[np.ndarray, "3 3"]
) -> Layer:
    """Furniture and the like on the ground, clear of the person, mostly behind."""
    pelvis = joints[0, 0]
    foot = pelvis - shot.up * float((pelvis - shot.ground) @ shot.up)
    aside = rng.choice([-1, 1]) * rng.uniform(0.8, 2.5)
    away = upright @ np.array([aside, 0.0, rng.uniform(-4.0, 0.1)])
    if rng.random() < 0.5:
        away = upright @ np.array([rng.uniform(-2, 2), 0.0, rng.uniform(-4.5, -1.2)])
    kind = str(rng.choice(_BESIDE))
    scale = np.full(3, rng.uniform(0.85, 1.2))
    if kind == "box":
        scale = rng.uniform(0.2, 1.6, 3)
    elif kind == "pole":
        scale = np.array([(radius := rng.uniform(0.05, 0.4)), rng.uniform(0.5, 1.5), radius])
    elif kind == "ball":
        scale = np.full(3, rng.uniform(0.1, 0.7))
    lift = 0.5 * scale[1] if kind == "ball" else 0.0
    return _thing(rng, kind, scale, _turned(upright, rng.uniform(0, 6.3)), foot + away + shot.up * lift)
