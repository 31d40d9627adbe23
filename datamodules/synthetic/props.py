"""Things in the scene: seats, occluders in front of the person, clutter around and behind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import trimesh
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from body.raycast import Hits, interpolate
from body.shading import unit, vertex_normals
from datamodules.synthetic.camera import PosedPerson
from datamodules.synthetic.texture import Texture, look_up, related, texture

_OCCLUDED = 0.25  # share of samples with something in front of the person


@dataclass(frozen=True)
class Prop:
    """A mesh in the camera frame with a texture; `smooth` things have no edges."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    texture: Texture
    local: Float[np.ndarray, "vertices 3"]
    smooth: bool

    @cached_property
    def facing(self) -> Int[np.ndarray, " faces"]:
        """The coordinate of `local` that every face looks along."""
        return np.abs(_across(self.local, self.faces)).argmax(-1)

    @cached_property
    def normals(self) -> Float[np.ndarray, "_ 3"]:
        """Of vertices where it is smooth, otherwise of faces, of any length."""
        if self.smooth:
            return vertex_normals(self.vertices, self.faces)
        return _across(self.vertices, self.faces)


def _across(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> Float[np.ndarray, "_ 3"]:
    corners = vertices[faces]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


@cache
def _shape(kind: str) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    if kind == "box":
        mesh = trimesh.creation.box((2, 2, 2))
    elif kind == "ball":
        mesh = trimesh.creation.icosphere(subdivisions=3)
    else:
        mesh = trimesh.creation.cylinder(radius=1, height=2, sections=24)
        mesh.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0]))
    return np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.int64)


def _prop(
    rng: np.random.Generator,
    person: PosedPerson,
    kind: str,
    centre: Float[np.ndarray, "3"],
    half: Float[np.ndarray, "3"],
    rotation: Rotation,
    surface: Texture | None = None,
) -> Prop:
    """A thing given by its world centre, half sizes and orientation."""
    shape, faces = _shape(kind)
    local = shape * np.asarray(half, np.float32)
    if surface is None:
        surface = texture(rng, *related(rng, 0.9, (0.1, 0.95)))
    vertices = person.to_camera(local @ rotation.as_matrix().T + centre)
    return Prop(vertices, faces, surface, local, kind == "ball")


def draw_props(
    rng: np.random.Generator, person: PosedPerson, action: str, joints: Float[np.ndarray, "joints 3"]
) -> list[Prop]:
    """All things around a person; `joints` are SMPL's 24 in the camera frame."""
    props = []
    world = person.to_world(joints)
    if action == "sitting" and rng.random() < 0.85:
        props.append(_seat(rng, person, world))
    for _ in range(int(rng.integers(0, 5))):
        props.append(_clutter(rng, person, world))
    if rng.random() < _OCCLUDED:
        props += _occluders(rng, person, joints)
    return props


def _seat(rng: np.random.Generator, person: PosedPerson, world: Float[np.ndarray, "joints 3"]) -> Prop:
    pelvis = world[0]
    top = max(pelvis[1] - rng.uniform(0.10, 0.12), 0.06)
    thighs = (world[4] + world[5]) / 2 - pelvis
    yaw = np.arctan2(thighs[0], thighs[2])
    back = np.array([np.sin(yaw), 0, np.cos(yaw)]) * 0.03
    half = np.array([rng.uniform(0.18, 0.4), top / 2, rng.uniform(0.17, 0.21)])
    centre = np.array([pelvis[0], top / 2, pelvis[2]]) + back
    return _prop(rng, person, "box", centre, half, Rotation.from_euler("y", yaw))


def _clutter(rng: np.random.Generator, person: PosedPerson, world: Float[np.ndarray, "joints 3"]) -> Prop:
    """Furniture-like or person-like things on the ground beside or behind the person."""
    body = world.mean(0)
    away = np.array([rng.uniform(-3, 3), 0, -rng.uniform(0.8, 4.5)])
    if rng.random() < 0.3:
        away = np.array([rng.choice([-1, 1]) * rng.uniform(1.0, 2.2), 0, rng.uniform(-0.8, 0.3)])
    kind = str(rng.choice(["box", "box", "ball", "pole"]))
    half = rng.uniform(0.1, 0.7, 3)
    if kind == "pole":
        radius = rng.uniform(0.04, 0.3)
        half = np.array([radius, rng.uniform(0.3, 1.3), radius])
    if kind == "ball":
        half[:] = rng.uniform(0.1, 0.4)
    centre = np.array([body[0], half[1], body[2]]) + away
    return _prop(rng, person, kind, centre, half, Rotation.from_euler("y", rng.uniform(0, 6.3)))


def _occluders(rng: np.random.Generator, person: PosedPerson, joints: Float[np.ndarray, "joints 3"]) -> list[Prop]:
    """One to three boxes, panels or poles between the camera and a limb."""
    kind = str(rng.choice(["chunk", "panel", "pole", "chunk"]))
    target = joints[int(rng.choice([4, 5, 7, 8, 18, 19, 20, 21, 1, 2, 16, 17]))]
    nearness = rng.uniform(0.55, 0.85)
    surface = texture(rng, *related(rng, 0.9, (0.1, 0.95)))
    centre = target * nearness
    tilt = Rotation.from_euler("YXZ", [rng.uniform(0, 6.3), *rng.normal(0, 0.15, 2)])
    if kind == "panel":  # a counter, fence or low wall that hides the legs
        half = np.array([rng.uniform(0.5, 1.5), rng.uniform(0.1, 0.3), 0.05]) * nearness
        low = joints[[7, 8]].mean(0) * (1 - (share := rng.uniform(0, 0.35))) + joints[0] * share
        return [
            _prop(
                rng,
                person,
                "box",
                person.to_world(low * nearness),
                half,
                Rotation.from_euler("y", rng.normal(0, 0.3)),
                surface,
            )
        ]
    if kind == "pole":
        half = np.array([(radius := rng.uniform(0.03, 0.08)), 2.0, radius]) * nearness
        lean = Rotation.from_euler("ZX", rng.normal(0, 0.12, 2))
        return [_prop(rng, person, "pole", person.to_world(centre), half, lean, surface)]
    half = rng.uniform(0.07, 0.24, 3) * nearness
    shape = "box" if rng.random() < 0.7 else "ball"
    return [_prop(rng, person, shape, person.to_world(centre), half, tilt, surface)]


def prop_surface(
    prop: Prop, person: PosedPerson, hits: Hits
) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, "rays 3"]]:
    """Albedo and world normals of a thing, at hits of its mesh."""
    along = prop.facing[hits.face]
    local = interpolate(prop.local, prop.faces, hits)
    # a face is textured by the two coordinates that it does not look along
    u = np.where(along == 0, local[:, 2], local[:, 0])
    v = np.where(along == 1, local[:, 2], local[:, 1])
    normals = interpolate(prop.normals, prop.faces, hits) if prop.smooth else prop.normals[hits.face]
    return look_up(prop.texture, u * 1.3, v * 1.3), np.asarray(unit(normals @ person.world), np.float32)
