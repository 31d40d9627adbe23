"""Reads MakeHuman's clothes: a mesh (`.obj`) and how it hangs on the base mesh (`.mhclo`)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

_AXES = ("x_scale", "y_scale", "z_scale")
_SECTIONS = ("verts", "delete_verts", "weights")


@dataclass(frozen=True)
class BoundMesh:
    """A mesh whose vertices are bound to triangles of the base mesh.

    Attributes:
        name: of the file.
        corners: base vertices of each vertex' triangle.
        weights: barycentric; may lie outside of the triangle.
        offsets: in units of `scales`, along the base mesh's axes in its rest pose.
        scales: per axis two base vertices and the distance between them along that axis, in which offsets count.
        faces: triangles.
        hidden: base vertices that lie below the mesh and are not to be drawn.
    """

    name: str
    corners: Int[np.ndarray, "vertices 3"]
    weights: Float[np.ndarray, "vertices 3"]
    offsets: Float[np.ndarray, "vertices 3"]
    scales: tuple[tuple[int, int, float], ...]
    faces: Int[np.ndarray, "faces 3"]
    hidden: Int[np.ndarray, " hidden"]

    def fit(self, base: Float[np.ndarray, "base 3"]) -> Float[np.ndarray, "vertices 3"]:
        """The mesh on one body in the base mesh's rest pose (y up, facing +z), in that body's unit."""
        size = [abs(base[a, axis] - base[b, axis]) / unit for axis, (a, b, unit) in enumerate(self.scales)]
        return np.asarray(np.einsum("vk,vkc->vc", self.weights, base[self.corners]) + self.offsets * size)


def read_mhclo(path: Path) -> BoundMesh:
    """Read a `.mhclo` file and the `.obj` file that it names.

    Raises:
        ValueError: the file does not bind every vertex of its mesh.
    """
    scales: dict[str, tuple[int, int, float]] = {}
    rows: dict[str, list[list[str]]] = {section: [] for section in _SECTIONS}
    mesh, section = path.with_suffix(".obj"), ""
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] in _SECTIONS:
            section = words[0]
        elif words[0] in _AXES:
            scales[words[0]] = int(words[1]), int(words[2]), float(words[3])
        elif words[0] == "obj_file":
            mesh = path.parent / words[1]
        elif section and words[0].lstrip("-").isdigit():
            rows[section].append(words)
    corners, weights, offsets = _bindings(rows["verts"])
    count, faces = _read_faces(mesh)
    if len(corners) != count or len(scales) != len(_AXES):
        raise ValueError(
            f"{path}: {len(corners)} bindings for the {count} vertices of {mesh.name}, {len(scales)} of 3 scales; "
            "fetch the file anew from MakeHuman's asset repository"
        )
    ordered = tuple(scales[axis] for axis in _AXES)
    return BoundMesh(path.stem, corners, weights, offsets, ordered, faces, _ranges(rows["delete_verts"]))


def _bindings(rows: list[list[str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    corners, weights, offsets = [], [], []
    for words in rows:
        if len(words) >= 6:
            corners.append([int(w) for w in words[:3]])
            weights.append([float(w) for w in words[3:6]])
            offsets.append([float(w) for w in words[6:9]] if len(words) >= 9 else [0.0, 0.0, 0.0])
        else:  # glued to a single vertex
            corners.append([int(words[0])] * 3)
            weights.append([1.0, 0.0, 0.0])
            offsets.append([0.0, 0.0, 0.0])
    return np.array(corners, np.int64), np.array(weights), np.array(offsets)


def _ranges(rows: list[list[str]]) -> Int[np.ndarray, " hidden"]:
    """Numbers and ranges (`12 - 15`) of vertices."""
    found: list[int] = []
    for words in rows:
        position = 0
        while position < len(words):
            if words[position] == "-":
                found.extend(range(found[-1] + 1, int(words[position + 1]) + 1))
                position += 2
            else:
                found.append(int(words[position]))
                position += 1
    return np.array(found, np.int64)


def _read_faces(path: Path) -> tuple[int, Int[np.ndarray, "faces 3"]]:
    """Number of vertices, and the faces cut into triangles."""
    count, faces = 0, []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and words[0] == "v":
            count += 1
        elif words and words[0] == "f":
            corners = [int(word.split("/")[0]) - 1 for word in words[1:]]
            faces += [(corners[0], b, c) for b, c in pairwise(corners[1:])]
    return count, np.array(faces, np.int64)
