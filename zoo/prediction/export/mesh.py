"""Meshes for other programs: Wavefront OBJ and binary glTF.

Convention:
    Both are y up, -z forward, metres, as glTF prescribes: the camera frame rotated by 180 degrees about its x axis, so
    that (x, y, z) becomes (x, -y, -z). Faces stay counter-clockwise from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from body.shading import vertex_normals
from zoo.prediction.export.drawing import colour_of
from zoo.prediction.export.motion import BODIES
from zoo.prediction.export.person import Person

_AXIS_SIGNS = np.array([1.0, -1.0, -1.0], np.float32)


def y_up(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
    """Camera-frame points in the frame of the mesh files; an involution."""
    return points * _AXIS_SIGNS


def obj_text(person: Person, model: str) -> str:
    """The mesh as a Wavefront OBJ file."""
    lines = [
        f"# {model}; body {person.body}; metres, y up, -z forward (the camera frame rotated by 180 degrees about x)"
    ]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in y_up(person.vertices).tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (person.faces + 1).tolist()]
    return "\n".join(lines) + "\n"


def glb_bytes(people: Sequence[Person]) -> bytes:
    """The meshes as a binary glTF file with smooth normals, a node `person0`, `person1`, ... for each.

    `asset.extras.body` names the body whose mesh they are.
    """
    import trimesh
    from trimesh.visual.material import PBRMaterial

    scene = trimesh.Scene()
    for number, person in enumerate(people):
        colour = (*colour_of(number), 255)
        material = PBRMaterial(baseColorFactor=colour, metallicFactor=0.0, roughnessFactor=0.8)
        vertices = y_up(person.vertices)
        normals = vertex_normals(vertices, person.faces)  # trimesh's own swallow a Ctrl-C
        mesh = trimesh.Trimesh(vertices, person.faces, vertex_normals=normals, process=False)
        mesh.visual = trimesh.visual.TextureVisuals(material=material)
        scene.add_geometry(mesh, node_name=f"person{number}", geom_name=f"person{number}")

    def name_body(document: dict[str, Any]) -> None:
        document["asset"]["extras"] = {"body": BODIES.get(people[0].body, (people[0].body,))[0]}

    return bytes(scene.export(file_type="glb", include_normals=True, tree_postprocessor=name_body))
