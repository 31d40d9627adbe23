"""Garments on the open body, and the file that holds them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array, csr_array

from body.atomic import atomic_file
from body.shading import vertex_normals

_ARRAYS = {
    "points": np.float32,
    "directions": np.float16,
    "weights": np.float16,
    "faces": np.uint16,
    "body_faces": np.uint16,
    "anchor": np.uint16,
    "height": np.float16,
    "covers": np.bool_,
    "stand_off": np.float16,
}


@dataclass(frozen=True)
class Garment:
    """A piece of clothing, shoes or hair on the open body's template (mean shape, T-pose, metres).

    Attributes:
        name: of the file that it is from.
        kind: see `pieces.KINDS`.
        directions: change of `points` with each shape coefficient.
        weights: skinning weights over SMPL's joints.
        body_faces: the body's face below each face.
        anchor: the body's vertex below each vertex.
        height: of each vertex above the body.
        covers: vertices of the body that are not to be seen when this is worn.
        stand_off: height of this garment above each vertex of the body, 0 where it is not.
    """

    name: str
    kind: str
    points: Float[np.ndarray, "vertices 3"]
    directions: Float[np.ndarray, "vertices 3 10"]
    weights: Float[np.ndarray, "vertices 24"]
    faces: Int[np.ndarray, "faces 3"]
    body_faces: Int[np.ndarray, " faces"]
    anchor: Int[np.ndarray, " vertices"]
    height: Float[np.ndarray, " vertices"]
    covers: Bool[np.ndarray, " skin"]
    stand_off: Float[np.ndarray, " skin"]

    @cached_property
    def incidence(self) -> csr_array:
        """Sums over the faces around every vertex."""
        return incidence(self.faces, len(self.points))

    @cached_property
    def normals(self) -> Float[np.ndarray, "vertices 3"]:
        """Unit normals of `points`."""
        return vertex_normals(self.points, self.faces)


@dataclass(frozen=True)
class Wardrobe:
    """All garments, and the body that they are for.

    Attributes:
        garments: pieces that can be worn together.
        body: the bare body.
        female: constant and factors of the shape coefficients, see `femininity`.
    """

    garments: tuple[Garment, ...]
    body: BodySurface
    female: Float[np.ndarray, "11"]

    def femininity(self, betas: Float[np.ndarray, "10"]) -> float:
        """About 0 for male and 1 for female shapes."""
        return float(self.female[0] + self.female[1:] @ betas)

    def of_kind(self, *kinds: str) -> list[int]:
        """Numbers of the garments of some kinds."""
        return [number for number, garment in enumerate(self.garments) if garment.kind in kinds]


@dataclass(frozen=True)
class BodySurface:
    """Template of the open body (metres) and its faces."""

    points: Float[np.ndarray, "skin 3"]
    faces: Int[np.ndarray, "faces 3"]

    @cached_property
    def incidence(self) -> csr_array:
        """Sums over the faces around every vertex."""
        return incidence(self.faces, len(self.points))

    @cached_property
    def neighbours(self) -> csr_array:
        """Means over the vertices that share a face with every vertex."""
        sums = csr_array(self.incidence @ self.incidence.T)
        return csr_array(sums.multiply(1 / sums.sum(1)[:, None]))


def incidence(faces: Int[np.ndarray, "faces 3"], count: int) -> csr_array:
    """Matrix that sums values of faces over each of `count` vertices."""
    columns = np.repeat(np.arange(len(faces)), 3)
    ones = np.ones(3 * len(faces), np.float32)
    return csr_array(coo_array((ones, (faces.reshape(-1), columns)), shape=(count, len(faces))))


def save_wardrobe(wardrobe: Wardrobe, path: Path) -> None:
    """Write the file whole or not at all."""
    arrays: dict[str, np.ndarray] = {"surface_points": wardrobe.body.points.astype(np.float32)}
    arrays["female"] = wardrobe.female.astype(np.float32)
    arrays["surface_faces"] = wardrobe.body.faces.astype(np.uint16)
    for name, kind in _ARRAYS.items():
        arrays[name] = np.concatenate([np.asarray(getattr(g, name)) for g in wardrobe.garments]).astype(kind)
    index = [
        {"name": g.name, "kind": g.kind, "vertices": len(g.points), "faces": len(g.faces)} for g in wardrobe.garments
    ]
    with atomic_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, index=np.array(json.dumps(index, allow_nan=False)), **arrays)


def load_wardrobe(path: Path) -> Wardrobe:
    """Read what `wardrobe_file` made.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; datamodules.open_v2.clothes.tailor makes it where the assets are")
    with np.load(path, allow_pickle=False) as data:
        arrays = {name: data[name] for name in _ARRAYS}
        body = BodySurface(np.asfortranarray(data["surface_points"]), data["surface_faces"].astype(np.int64))
        female = data["female"]
        index = json.loads(str(data["index"]))
    arrays = {k: v.astype({"u": np.int64, "f": np.float32, "b": np.bool_}[v.dtype.kind]) for k, v in arrays.items()}
    starts = {"vertices": 0, "faces": 0, "skin": 0}
    garments = []
    for entry in index:
        counts = {"vertices": entry["vertices"], "faces": entry["faces"], "skin": len(body.points)}
        rows = {axis: slice(starts[axis], starts[axis] + counts[axis]) for axis in counts}
        own = {name: arrays[name][rows[_axis(name)]] for name in _ARRAYS}
        own["points"] = np.asfortranarray(own["points"])  # see render.columns
        garments.append(Garment(name=entry["name"], kind=entry["kind"], **own))
        starts = {axis: starts[axis] + counts[axis] for axis in counts}
    return Wardrobe(tuple(garments), body, female)


def _axis(name: str) -> str:
    if name in ("covers", "stand_off"):
        return "skin"
    return "faces" if name in ("faces", "body_faces") else "vertices"
