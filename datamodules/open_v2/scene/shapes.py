"""Meshes of everyday things in a frame of their own: metres, y up, standing on y = 0 unless said otherwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import trimesh
from jaxtyping import Float, Int

Shape = tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"], Float[np.ndarray, "vertices 3"]]
"""Vertices, faces and vertex normals; sharp edges have their vertices twice."""


Triple = tuple[int | float, int | float, int | float]


def box(half: Triple, centre: Triple) -> trimesh.Trimesh:
    """A box of given half sizes."""
    mesh = trimesh.creation.box(2 * np.asarray(half))
    mesh.unmerge_vertices()
    mesh.apply_translation(centre)
    return mesh


def bar(start: Triple, end: Triple, radius: int | float) -> trimesh.Trimesh:
    """A round bar between two points."""
    return trimesh.creation.cylinder(radius=radius, segment=np.array([start, end], float), sections=10)


def ring(radius: int | float, tube: float, centre: Triple, squeeze: int | float = 1.0) -> trimesh.Trimesh:
    """A torus about the x axis; `squeeze` makes it narrow along z."""
    mesh = trimesh.creation.torus(radius, tube, major_sections=28, minor_sections=6)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [0, 1, 0]))
    mesh.apply_scale([1, 1, squeeze])
    mesh.apply_translation(centre)
    return mesh


def _chair() -> list[trimesh.Trimesh]:
    legs = [bar((x, 0, z), (x, 0.9 if z < 0 else 0.44, z), 0.018) for x in (-0.2, 0.2) for z in (-0.2, 0.2)]
    return [box((0.23, 0.02, 0.22), (0, 0.45, 0)), box((0.21, 0.14, 0.012), (0, 0.76, -0.21)), *legs]


def _bench() -> list[trimesh.Trimesh]:
    planks = [box((0.8, 0.015, 0.06), (0, 0.45, z)) for z in (-0.14, 0.0, 0.14)]
    return [*planks, box((0.04, 0.22, 0.18), (-0.6, 0.22, 0)), box((0.04, 0.22, 0.18), (0.6, 0.22, 0))]


def _sofa() -> list[trimesh.Trimesh]:
    arms = [box((0.1, 0.3, 0.42), (x, 0.3, 0)) for x in (-0.95, 0.95)]
    return [box((0.9, 0.21, 0.4), (0, 0.22, 0)), box((0.9, 0.25, 0.1), (0, 0.6, -0.38)), *arms]


def _stool() -> list[trimesh.Trimesh]:
    return [
        bar((0, 0.42, 0), (0, 0.47, 0), 0.2),
        bar((0, 0.02, 0), (0, 0.42, 0), 0.03),
        bar((0, 0, 0), (0, 0.02, 0), 0.2),
    ]


def _cube() -> list[trimesh.Trimesh]:
    return [box((0.3, 0.235, 0.25), (0, 0.235, 0))]


def _table() -> list[trimesh.Trimesh]:
    legs = [bar((x, 0, z), (x, 0.72, z), 0.025) for x in (-0.55, 0.55) for z in (-0.3, 0.3)]
    return [box((0.62, 0.02, 0.38), (0, 0.74, 0)), *legs]


def _bicycle() -> list[trimesh.Trimesh]:
    wheels = [ring(0.33, 0.016, (0, 0.34, z)) for z in (-0.5, 0.5)]
    seat, pedal, head = (0.0, 0.85, -0.25), (0.0, 0.3, -0.08), (0.0, 0.85, 0.35)
    tubes = [
        bar(seat, pedal, 0.018),
        bar(pedal, head, 0.02),
        bar(seat, head, 0.018),
        bar(pedal, (0, 0.34, -0.5), 0.012),
    ]
    tubes += [bar(seat, (0, 0.34, -0.5), 0.01), bar((0, 1.0, 0.32), (0, 0.34, 0.5), 0.015)]
    return [
        *wheels,
        *tubes,
        bar((-0.25, 1.0, 0.32), (0.25, 1.0, 0.32), 0.013),
        box((0.06, 0.03, 0.12), (0, 0.9, -0.27)),
    ]


def _fence() -> list[trimesh.Trimesh]:
    posts = [bar((x, 0, 0), (x, 1.05, 0), 0.02) for x in np.linspace(-1.4, 1.4, 8)]
    return [*posts, bar((-1.5, 1.0, 0), (1.5, 1.0, 0), 0.025), bar((-1.5, 0.2, 0), (1.5, 0.2, 0), 0.02)]


def _plant() -> list[trimesh.Trimesh]:
    rng = np.random.Generator(np.random.PCG64(5))
    leaves = []
    for _ in range(70):
        leaf = trimesh.creation.icosphere(subdivisions=1)
        leaf.apply_scale([0.03, 0.006, 0.13])
        leaf.apply_transform(trimesh.transformations.random_rotation_matrix(rng.random(3)))
        leaf.apply_translation(rng.normal(0, 0.16, 3) * [1, 1.3, 1] + [0, 0.7, 0])
        leaves.append(leaf)
    return [*leaves, bar((0, 0, 0), (0, 0.6, 0), 0.015), bar((0, 0, 0), (0, 0.3, 0), 0.14)]


def _racket() -> list[trimesh.Trimesh]:
    strings = [bar((0, 0.5 + d, -0.1), (0, 0.5 + d, 0.1), 0.002) for d in np.linspace(-0.1, 0.1, 6)]
    strings += [bar((0, 0.37, d), (0, 0.63, d), 0.002) for d in np.linspace(-0.08, 0.08, 5)]
    return [ring(0.14, 0.011, (0, 0.5, 0), 0.8), bar((0, -0.05, 0), (0, 0.36, 0), 0.015), *strings]


_PARTS: dict[str, Callable[[], list[trimesh.Trimesh]]] = {
    "chair": _chair,
    "bench": _bench,
    "sofa": _sofa,
    "stool": _stool,
    "cube": _cube,
    "table": _table,
    "bicycle": _bicycle,
    "fence": _fence,
    "plant": _plant,
    "racket": _racket,
    "ball": lambda: [trimesh.creation.icosphere(subdivisions=3, radius=0.5)],
    "pole": lambda: [bar((0, 0, 0), (0, 3, 0), 0.5)],
    "stick": lambda: [bar((0, -0.3, 0), (0, 0.7, 0), 0.013)],
    "bat": lambda: [bar((0, -0.08, 0), (0, 0.3, 0), 0.016), bar((0, 0.3, 0), (0, 0.8, 0), 0.033)],
    "bottle": lambda: [bar((0, -0.1, 0), (0, 0.08, 0), 0.034), bar((0, 0.08, 0), (0, 0.13, 0), 0.014)],
    "phone": lambda: [box((0.036, 0.075, 0.005), (0, 0.03, 0))],
    "bag": lambda: [box((0.17, 0.14, 0.06), (0, -0.32, 0)), ring(0.1, 0.008, (0, -0.12, 0))],
    "panel": lambda: [box((0.5, 0.5, 0.03), (0, 0.5, 0))],
    "box": lambda: [box((0.5, 0.5, 0.5), (0, 0.5, 0))],
}


@cache
def shape(kind: str) -> Shape:
    """A thing by name.

    Raises:
        KeyError: there is no such thing.
    """
    parts = _PARTS[kind]()
    normals = np.concatenate([part.vertex_normals for part in parts])
    mesh = trimesh.util.concatenate(parts)
    return np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.int64), np.asarray(normals, np.float32)
