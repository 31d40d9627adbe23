"""Renders a image of a dressed person before a background: one ray per pixel, and four more where edges run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from body.raycast import Hits, interpolate
from body.shading import unit
from datamodules.synthetic.appearance import inflate, paint
from datamodules.synthetic.background import Background, Plane, far_colours, meet_planes, plane_colours
from datamodules.synthetic.camera import PosedPerson
from datamodules.synthetic.culling import Shades
from datamodules.synthetic.light import Light, ambient_occlusion, radiance
from datamodules.synthetic.props import Prop, prop_surface
from datamodules.synthetic.rays import Rays
from datamodules.synthetic.wardrobe import Style

_CLEAR = 12  # metres as far as which the air is clear
_ABOVE = 2e-3  # metres by which shadow rays start above the surface
_CORNERS = np.array([[-0.25, -0.25], [0.25, -0.25], [-0.25, 0.25], [0.25, 0.25]])


class Surface:
    """The template of the body that is drawn, and what follows from it."""

    def __init__(self, template: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> None:
        self.canonical = np.asarray(template, np.float32)
        self.faces = np.asarray(faces, np.int64)
        edges = self.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
        edges = np.concatenate([edges, edges[:, ::-1]])
        self._degree = np.bincount(edges[:, 0], minlength=len(self.canonical)).clip(1)
        neighbours = edges[np.argsort(edges[:, 0], kind="stable"), 1]
        ends = np.concatenate([[0], np.cumsum(np.bincount(edges[:, 0], minlength=len(self.canonical)))])
        self._beside = csr_array((np.ones(len(edges)), neighbours, ends), shape=(len(self.canonical),) * 2)
        flat, owner = self.faces.reshape(-1), np.repeat(np.arange(len(self.faces)), 3)
        shape = (len(self.canonical), len(self.faces))
        self._around = csr_array((np.ones(len(flat)), (flat, owner)), shape=shape)
        self._corners = np.ascontiguousarray(self.faces.T)

    def dress(self, vertices: Float[np.ndarray, "vertices 3"], style: Style) -> Float[np.ndarray, "vertices 3"]:
        """The surface with clothes and hair on it."""
        off = inflate(self.canonical, style)
        for _ in range(2):  # soften the borders of garments, which would stand like cardboard
            off = 0.5 * off + 0.5 * (self._beside @ off.astype(np.float64)) / self._degree
        return (vertices + self.normals(vertices) * off[:, None]).astype(np.float32)

    def normals(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "vertices 3"]:
        """`body.shading.vertex_normals`, with the faces around every vertex known beforehand."""
        first, second, third = (vertices.T.take(corner, 1) for corner in self._corners)
        (a, b, c), (x, y, z) = second - first, third - first
        across = np.stack([b * z - c * y, c * x - a * z, a * y - b * x], -1)
        return unit(self._around @ across.astype(np.float64)).astype(np.float32)


@dataclass(frozen=True)
class View:
    """Everything that is before the camera; the person is mesh 0 of `rays`, prop k is mesh k + 1.

    `painted` are the person's canonical points, which say what is painted there, and world normals; `lowest`
    are the person's lowest points in the world.
    """

    surface: Surface
    person: PosedPerson
    painted: Float[np.ndarray, "vertices 6"]
    lowest: Float[np.ndarray, "12 3"]
    rays: Rays
    shades: Shades
    props: list[Prop]
    style: Style
    background: Background
    light: Light


@dataclass(frozen=True)
class Trace:
    """What rays met: a mesh (`hits`), plane `plane` of the background, or nothing (`distance` is inf)."""

    pixels: Float[np.ndarray, "rays 2"]
    world: Float[np.ndarray, "rays 3"]
    hits: Hits
    plane: Int[np.ndarray, " rays"]
    distance: Float[np.ndarray, " rays"]


def compose(
    surface: Surface, person: PosedPerson, props: list[Prop], style: Style, background: Background, light: Light
) -> View:
    """Dress the person and put everything into one ray scene."""
    dressed = surface.dress(person.vertices, style)
    meshes = [(dressed, surface.faces), *((p.vertices, p.faces) for p in props)]
    normals = (surface.normals(dressed) @ person.world).astype(np.float32)
    painted = np.concatenate([surface.canonical, normals], 1)
    shades = Shades([vertices for vertices, _ in meshes], person.world, person.eye, light.key, light.softness)
    sparse = person.to_world(dressed[::115])
    lowest = sparse[np.argsort(sparse[:, 1])[:12]]
    return View(surface, person, painted, lowest, Rays(meshes), shades, props, style, background, light)


def render(view: View, size: int) -> tuple[Float[np.ndarray, "size size 3"], Hits]:
    """Linear radiance of every pixel, and what the pixel centres see of the meshes."""
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2).astype(np.float64)
    trace = _trace(view, grid)
    image = _shade(view, trace, size)
    edges = np.flatnonzero(_edges(trace, size))
    corners = (grid[edges, None] + _CORNERS).reshape(-1, 2)
    if len(edges):
        finer = _shade(view, _trace(view, corners), size).reshape(-1, len(_CORNERS), 3)
        image[edges] = finer.mean(1)
    return image.reshape(size, size, 3), trace.hits


def _trace(view: View, pixels: Float[np.ndarray, "rays 2"]) -> Trace:
    homogeneous = np.concatenate([pixels, np.ones_like(pixels[:, :1])], -1)
    directions = (homogeneous @ np.linalg.inv(view.person.intrinsics).T).astype(np.float32)
    hits = view.rays.cast(directions)
    world = directions @ view.person.world.astype(np.float32)
    plane, distance = meet_planes(view.background, view.person.eye, world)
    plane[hits.distance < distance] = -1
    return Trace(pixels, world, hits, plane, np.minimum(hits.distance, distance))


def _edges(trace: Trace, size: int) -> Bool[np.ndarray, " pixels"]:
    """Pixels beside another thing, or beside a jump in depth."""
    things = np.where(trace.plane >= 0, -2 - trace.plane, trace.hits.mesh).reshape(size, size)
    inverse = (1 / trace.distance).reshape(size, size)
    edges = np.zeros((size, size), bool)
    for axis in (0, 1):
        jump = np.abs(np.diff(inverse, axis=axis)) > 0.02 * np.maximum(inverse[1:, 1:].mean(), 0.05)
        own = np.diff((things == 0).astype(np.int8), axis=axis) == 0
        change = (np.diff(things, axis=axis) != 0) | (jump & own & (np.delete(things, -1, axis) == 0))
        first = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
        second = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
        edges[first] |= change
        edges[second] |= change
    return edges.reshape(-1)


def _shade(view: View, trace: Trace, size: int) -> Float[np.ndarray, "rays 3"]:
    image = np.empty((len(trace.world), 3), np.float32)
    mesh = np.where(trace.plane >= 0, -1, trace.hits.mesh)
    far = np.flatnonzero(~np.isfinite(trace.distance))
    image[far] = far_colours(view.background, trace.world.take(far, 0), (trace.pixels.take(far, 0) + 0.5) / size)
    eye = view.person.eye.astype(np.float32)
    groups = [(trace.plane == number, number, True) for number in range(len(view.background.planes))]
    groups += [(mesh == number, number, False) for number in range(len(view.props) + 1)]
    for mask, number, is_plane in groups:
        rows = np.flatnonzero(mask)
        if not len(rows):
            continue
        points, distance = trace.world.take(rows, 0), trace.distance.take(rows)
        for axis, along in enumerate(points.T):
            along[:] = eye[axis] + along * distance
        if is_plane:
            sent = _plane(view, view.background.planes[number], points, distance)
        else:
            sent = _thing(view, number, points, trace.world.take(rows, 0), _pick(trace.hits, rows))
        if view.background.backdrop is None and distance.max() > _CLEAR:
            haze = np.clip((distance - _CLEAR) / 40, 0, 1)
            for channel, horizon in zip(sent.T, view.background.horizon, strict=True):
                channel += (horizon - channel) * haze
        image[rows] = sent
    return image


def _plane(
    view: View, plane: Plane, points: Float[np.ndarray, "rays 3"], distance: Float[np.ndarray, " rays"]
) -> Float[np.ndarray, "rays 3"]:
    """What points of a floor or wall send to the eye."""
    normal = plane.normal.astype(np.float32)[None]
    lit = np.zeros(len(points), bool)
    if (normal @ view.light.key > 0).item():
        lit[:] = True
        shaded = view.shades.near(points)
        lit[shaded] = _reached(view, points.take(shaded, 0), normal, shaded)
    albedo = plane_colours(plane, points, distance)
    return radiance(view.light, albedo, None, normal, None, lit, _openness(view, points))


def _thing(
    view: View, number: int, points: Float[np.ndarray, "rays 3"], rays: Float[np.ndarray, "rays 3"], hits: Hits
) -> Float[np.ndarray, "rays 3"]:
    """What points of a mesh, met by rays from the eye, send back."""
    if number == 0:
        albedo, gloss, normals = _person(view, hits)
    else:
        albedo, normals = prop_surface(view.props[number - 1], view.person, hits)
        gloss = np.full(len(points), 0.05, np.float32)
    lit = np.zeros(len(points), bool)
    facing = np.flatnonzero(normals @ view.light.key > 0)
    lit[facing] = _reached(view, points.take(facing, 0), normals.take(facing, 0), facing)
    open_sky = np.ones(len(points), np.float32)
    return radiance(view.light, albedo, gloss, normals, _towards_eye(rays), lit, open_sky)


def _towards_eye(rays: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, "rays 3"]:
    """Unit vectors against the rays."""
    length = np.sqrt(np.maximum(np.einsum("rc,rc->r", rays, rays), 1e-24))
    towards = np.empty_like(rays)
    for axis in range(3):
        towards[:, axis] = -(rays[:, axis] / length)
    return towards


def _person(
    view: View, hits: Hits
) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"], Float[np.ndarray, "rays 3"]]:
    """Albedo, gloss and world normals (with the folds of cloth) of the person."""
    canonical, normals = np.split(interpolate(view.painted, view.surface.faces, hits), 2, 1)
    canonical = np.ascontiguousarray(canonical)
    painted = paint(canonical, view.style)
    waves = view.style.folds
    slope = np.cos(canonical @ waves[:, :3].T + waves[:, 3]) @ waves[:, :3]
    return painted.albedo, painted.gloss, unit(normals + slope * (0.006 * painted.folds[:, None]))


def _openness(view: View, points: Float[np.ndarray, "rays 3"]) -> Float[np.ndarray, " rays"]:
    """Ambient light on floor and walls: less near the lowest parts of the body."""
    blockers = view.lowest
    low, high = blockers.min(0) - 0.6, blockers.max(0) + 0.6
    inside = [(points[:, axis] > low[axis]) & (points[:, axis] < high[axis]) for axis in range(3)]
    near = np.flatnonzero(inside[0] & inside[1] & inside[2])
    open_sky = np.ones(len(points), np.float32)
    open_sky[near] = ambient_occlusion(points[near], blockers)
    return open_sky


def _reached(
    view: View,
    points: Float[np.ndarray, "rays 3"],
    normals: Float[np.ndarray, "#rays 3"],
    numbers: Int[np.ndarray, " rays"],
) -> Bool[np.ndarray, " rays"]:
    """Where the key light arrives; a soft light is spread by a fixed dither over rays of neighbouring numbers."""
    light = np.empty((len(points), 3))
    for axis, share in enumerate((0.7548777, 0.5698403, 0.3819660)):
        steps = numbers * share
        light[:, axis] = view.light.key[axis] + (steps - np.floor(steps) - 0.5) * 2 * view.light.softness
    towards = light @ view.person.world.T
    origins = view.person.to_camera(points + normals * _ABOVE)
    return ~view.rays.occluded(origins, towards.astype(np.float32))


def _pick(hits: Hits, rows: Int[np.ndarray, " rows"]) -> Hits:
    return Hits(hits.mesh[rows], hits.face[rows], hits.barycentric[rows], hits.distance[rows])
