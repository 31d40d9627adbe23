"""Puts an outfit on a posed body."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from datamodules.open_v2.clothes.materials import ClothMaterial, SkinMaterial
from datamodules.open_v2.clothes.outfits import Outfit, Worn
from datamodules.open_v2.clothes.skinning import skinned
from datamodules.open_v2.clothes.wardrobe import BodySurface, Garment, Wardrobe
from datamodules.open_v2.render.columns import cross, dot, rows_of
from datamodules.open_v2.types import Layer, Person

_APART = 0.004  # metres between two layers of cloth
_RIM = 0.02  # metres of skin that are kept below a hem
_SHOULDER = 0.2  # metres from the middle at which arms begin


def dress(
    wardrobe: Wardrobe,
    outfit: Outfit,
    person: Person,
    body_vertices: Float[np.ndarray, "vertices 3"],
    joint_transforms: Float[np.ndarray, "24 3 4"],
) -> list[Layer]:
    """Meshes of a dressed person in the camera frame: the body first, then what is worn, from the skin outwards.

    Args:
        wardrobe: where the outfit is from.
        outfit: what is worn.
        person: for the shape and the translation.
        body_vertices: of the posed body, translation included, metres.
        joint_transforms: `BodyModel.joint_transforms` of the person, without the translation.
    """
    surface = wardrobe.body
    betas, transl = np.asarray(person.betas, np.float32), np.asarray(person.transl, np.float32)
    transforms = np.asarray(joint_transforms, np.float32)
    garments = [wardrobe.garments[worn.garment] for worn in outfit.worn]
    covers = [
        _kept(surface.points, worn, -_RIM) & garment.covers for worn, garment in zip(outfit.worn, garments, strict=True)
    ]
    bare = np.asarray(body_vertices, np.float32)
    normals = face_sums(bare, surface.faces, surface.incidence)
    layers = [_body_layer(surface, outfit, garments, covers, bare, normals)]
    level = np.zeros(len(surface.points), np.float32)
    for number, (worn, garment) in enumerate(zip(outfit.worn, garments, strict=True)):
        rest, faces, below = _altered(worn, garment, betas, covers[number + 1 :])
        posed = skinned(garment.weights, transforms, rest) + transl
        if garment.kind in ("top", "overall", "skirt", "bottom"):
            under = level[garment.anchor]
            rise = np.where(under > 0, np.clip(under + _APART - garment.height - worn.loose, 0, 0.05), 0)
            posed += normals[garment.anchor] * rise[:, None]
        if garment.kind not in ("hair", "hat"):
            level = np.maximum(level, np.where(garment.stand_off > 0, garment.stand_off + worn.loose, 0))
        material = ClothMaterial(worn.cloth, garment.points, garment.normals[:, 2], faces)
        kind: Literal["hair", "cloth"] = "hair" if garment.kind == "hair" else "cloth"
        around = face_sums(posed, garment.faces, garment.incidence)
        layers.append(Layer(posed, faces, around, material, below, kind))
    return layers


def _body_layer(
    surface: BodySurface,
    outfit: Outfit,
    garments: list[Garment],
    covers: list[Bool[np.ndarray, " skin"]],
    bare: Float[np.ndarray, "skin 3"],
    normals: Float[np.ndarray, "skin 3"],
) -> Layer:
    """The skin that is seen, with painted clothes on it."""
    off = np.where(outfit.look.on_scalp(surface.points), outfit.look.thickness, 0).astype(np.float32)
    for painted in outfit.painted:
        off = np.maximum(off, np.where(painted.mask(surface.points), np.float32(painted.loose), 0))
    off = 0.5 * off + 0.5 * (surface.neighbours @ off)  # soft borders
    hidden = np.zeros(len(off), bool)
    for worn, garment, cover in zip(outfit.worn, garments, covers, strict=True):
        hidden |= cover
        near = (garment.stand_off > 0) & _kept(surface.points, worn, 0.0)
        off = np.where(near, np.minimum(off, 0.3 * garment.stand_off), off)
    skin = bare + normals * off[:, None]
    seen = np.flatnonzero(~_all_of(hidden, surface.faces))
    kept = surface.faces.take(seen, 0)
    around = face_sums(skin, surface.faces, surface.incidence)
    material = SkinMaterial(outfit.look, outfit.painted, surface.points, kept)
    return Layer(skin, kept, around, material, seen, "skin")


def _kept(points: Float[np.ndarray, "points 3"], worn: Worn, margin: float) -> Bool[np.ndarray, " points"]:
    """Points that a garment still covers when it has been cut; a negative margin asks for more than that."""
    x, y = np.abs(points[:, 0]), points[:, 1]
    arm = x > _SHOULDER
    return np.asarray((x < worn.sleeve + margin) & (arm & (y > 0.2) | (y > worn.low - margin)))


def _altered(
    worn: Worn, garment: Garment, betas: Float[np.ndarray, "10"], covers: list[Bool[np.ndarray, " skin"]]
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"], Int[np.ndarray, " faces"]]:
    """Rest vertices of a garment that was widened, crumpled and cut; its faces that are left; the body's below them.

    Args:
        worn: how it was altered.
        garment: the mesh.
        betas: shape of the person.
        covers: what is hidden below the garments above.
    """
    points, waves = garment.points, worn.cloth.waves
    rest = points + garment.directions @ betas
    if worn.crumple > 0 or worn.loose > 0:
        folds = np.abs(np.sin(points @ (0.7 * waves[:3, :3].T) + waves[:3, 3])).mean(1)
        rest += garment.normals * (worn.loose + worn.crumple * folds)[:, None]
    left = np.ones(len(garment.faces), bool)
    if worn.sleeve < 1 or worn.low > -1:
        left = ~_all_of(~_kept(points, worn, 0.0), garment.faces)
        rest = rest + _hem_shift(points, worn)
    if covers:
        hidden = np.logical_or.reduce(covers)
        left &= ~_all_of(hidden[garment.anchor], garment.faces)
    if left.all():
        return np.asarray(rest, np.float32), garment.faces, garment.body_faces
    rows = np.flatnonzero(left)
    return np.asarray(rest, np.float32), garment.faces.take(rows, 0), garment.body_faces[rows]


def _all_of(vertices: Bool[np.ndarray, " vertices"], faces: Int[np.ndarray, "faces 3"]) -> Bool[np.ndarray, " faces"]:
    """Faces of which all corners are so."""
    first, second, third = (vertices.take(faces[:, corner]) for corner in range(3))
    return np.asarray(first & second & third)


def _hem_shift(points: Float[np.ndarray, "vertices 3"], worn: Worn) -> Float[np.ndarray, "vertices 3"]:
    """Brings the vertices beyond a cut back to it, so that the hem is straight."""
    shift = np.zeros_like(points)
    x, y = points[:, 0], points[:, 1]
    arm = np.abs(x) > _SHOULDER
    shift[:, 0] = np.clip(x, -worn.sleeve, worn.sleeve) - x
    shift[:, 1] = np.where(arm & (y > 0.2), 0, np.maximum(worn.low - y, 0))
    return shift


def face_sums(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], incidence: csr_array
) -> Float[np.ndarray, "vertices 3"]:
    """Vertex normals, by a matrix that sums over the faces around every vertex."""
    rows = np.asfortranarray(vertices)
    first, second, third = (rows_of(rows, corner) for corner in np.ascontiguousarray(faces.T))
    sums = np.asfortranarray(incidence @ cross(second - first, third - first))
    return sums / np.sqrt(np.maximum(dot(sums, sums), np.float32(1e-24)))[:, None]
