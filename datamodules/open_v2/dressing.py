"""Puts an outfit on a posed body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from body.raycast import Hits
from body.shading import unit
from datamodules.open_v2.cloth import Cloth
from datamodules.open_v2.outfits import Outfit
from datamodules.open_v2.types import Layer, Person
from datamodules.open_v2.wardrobe import Garment, Wardrobe
from datamodules.synthetic.appearance import inflate, paint
from datamodules.synthetic.wardrobe import Style

_APART = 0.004  # metres between two layers of cloth


@dataclass(frozen=True)
class ClothMaterial:
    """Colours a garment.

    Attributes:
        cloth: what it is made of.
        points: of the garment on the template.
        facing: z of the normals there.
        faces: of the layer.
    """

    cloth: Cloth
    points: Float[np.ndarray, "vertices 3"]
    facing: Float[np.ndarray, " vertices"]
    faces: Int[np.ndarray, "faces 3"]

    def paint(self, hits: Hits) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"]]:
        """Albedo and gloss."""
        corners = self.faces[hits.face]
        weights = hits.barycentric.astype(np.float32)
        points = np.einsum("rk,rkc->rc", weights, self.points[corners])
        facing = np.einsum("rk,rk->r", weights, self.facing[corners])
        return self.cloth.paint(points, facing), np.full(len(points), self.cloth.gloss, np.float32)


@dataclass(frozen=True)
class SkinMaterial:
    """Colours the body: skin, face and painted clothes."""

    style: Style
    points: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]

    def paint(self, hits: Hits) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"]]:
        """Albedo and gloss."""
        corners = self.faces[hits.face]
        points = np.einsum("rk,rkc->rc", hits.barycentric.astype(np.float32), self.points[corners])
        painted = paint(points, self.style)
        waves = self.style.folds
        shade = 1 + 0.3 * painted.folds * np.sin(points @ waves[:, :3].T + waves[:, 3]).mean(1)
        return (painted.albedo * shade[:, None]).clip(0, 1).astype(np.float32), painted.gloss


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
    surface, style = wardrobe.body, outfit.style
    betas, transl = np.asarray(person.betas, np.float32), np.asarray(person.transl, np.float32)
    transforms = np.asarray(joint_transforms, np.float32).reshape(24, 12)
    garments = [wardrobe.garments[piece.garment] for piece in outfit.worn]
    rises, faces = _stack(garments, len(surface.points))
    bare = np.asarray(body_vertices, np.float32)
    off = inflate(surface.points, style)
    for _ in range(2):  # soften the borders of painted clothes, which would stand like cardboard
        off = 0.5 * off + 0.5 * (surface.neighbours @ off)
    hidden = np.zeros(len(surface.points), bool)
    for garment in garments:
        hidden |= garment.covers
        off = np.where(garment.stand_off > 0, np.minimum(off, 0.5 * garment.stand_off), off)
    normals = _normals(bare, surface.faces, surface.incidence)
    skin = bare + normals * off[:, None]
    seen = np.flatnonzero(~hidden[surface.faces].all(1))
    kept = surface.faces[seen]
    layers = [
        Layer(
            skin,
            kept,
            _normals(skin, surface.faces, surface.incidence),
            SkinMaterial(style, surface.points, kept),
            seen,
            "skin",
        )
    ]
    for piece, garment, rise, visible in zip(outfit.worn, garments, rises, faces, strict=True):
        rest = garment.points + garment.directions @ betas
        blended = (garment.weights @ transforms).reshape(-1, 3, 4)
        posed = np.einsum("vij,vj->vi", blended[..., :3], rest) + blended[..., 3] + transl
        around = _normals(posed, garment.faces, garment.incidence)
        if rise is not None:
            posed = posed + normals[garment.anchor] * rise[:, None]
        shown = garment.faces[visible]
        facing = _normals(garment.points, garment.faces, garment.incidence)[:, 2]
        material = ClothMaterial(piece.cloth, garment.points, facing, shown)
        look: Literal["hair", "cloth"] = "hair" if garment.kind == "hair" else "cloth"
        layers.append(Layer(posed, shown, around, material, garment.body_faces[visible], look))
    return layers


def _stack(
    garments: list[Garment], skin: int
) -> tuple[list[Float[np.ndarray, " vertices"] | None], list[Bool[np.ndarray, " faces"]]]:
    """How far each garment must rise to lie above the ones before it, and which of its faces the later ones leave."""
    level = np.zeros(skin, np.float32)
    rises: list[Float[np.ndarray, " vertices"] | None] = []
    for garment in garments:
        rise = None
        if garment.kind in ("top", "overall", "skirt", "bottom"):
            below = level[garment.anchor]
            rise = np.where(below > 0, np.clip(below + _APART - garment.height, 0, 0.04), 0)
        rises.append(rise)
        level = np.maximum(level, garment.stand_off) if garment.kind not in ("hair", "hat", "shoes") else level
    faces = []
    for number, garment in enumerate(garments):
        covered = np.zeros(skin, bool)
        for later in garments[number + 1 :]:
            covered |= later.covers
        faces.append(~covered[garment.anchor][garment.faces].all(1))
    return rises, faces


def _normals(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"], incidence: csr_array
) -> Float[np.ndarray, "vertices 3"]:
    first, second, third = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
    a, b = second - first, third - first
    crossed = np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        -1,
    )
    return np.asarray(unit(incidence @ crossed), np.float32)
