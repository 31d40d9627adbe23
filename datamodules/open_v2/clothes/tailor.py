"""Makes the wardrobe from MakeHuman's assets, once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from body.assets import find_asset
from body.load import load_body
from body.model import BodyModel
from body.raycast import RayScene
from body.shading import vertex_normals
from datamodules.open_v2.clothes.base_mesh import sample_base_mesh
from datamodules.open_v2.clothes.fitting import FittedMesh, Fitter, push_out
from datamodules.open_v2.clothes.mhclo import read_mhclo
from datamodules.open_v2.clothes.pieces import split
from datamodules.open_v2.clothes.sewn import sewn_garments
from datamodules.open_v2.clothes.wardrobe import BodySurface, Garment, Wardrobe, save_wardrobe

ASSETS = "makehuman/base"
WANTED = (
    "MakeHuman's clothes, shoes and hair (CC0): get https://github.com/makehumancommunity/makehuman-assets "
    f"(git with LFS) and put its folder base to $ZOO_ASSETS/{ASSETS}"
)
"""What `zoo doctor` says about the assets."""
VERSION = 7
_HIPS = -0.08  # height on the template, metres
_CLOTH = ("top", "overall", "bottom", "skirt", "socks")


def wardrobe_file(cache: Path) -> Path:
    """The packed garments of the assets in `$ZOO_ASSETS`; made on the first call (a few minutes, needs Anny).

    Raises:
        FileNotFoundError: the assets are missing; the message says what to get and where to put it.
    """
    root = find_asset(ASSETS)
    files = sorted(root.glob("*/*/*.mhclo")) if root is not None else []
    if root is None or not files:
        raise FileNotFoundError(f"open-v2 dresses people in {WANTED}")
    digest = hashlib.sha256(f"wardrobe {VERSION}".encode())
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode())
        for part in (file, *sorted(file.parent.glob("*.obj"))):
            digest.update(part.read_bytes())
    path = cache / f"wardrobe-{digest.hexdigest()[:12]}.npz"
    if not path.is_file():
        save_wardrobe(make_wardrobe(files), path)
    return path


def make_wardrobe(files: list[Path]) -> Wardrobe:
    """Fit garments to the open body.

    Args:
        files: `.mhclo` files, in folders `clothes/NAME` and `hair/NAME`.
    """
    body = load_body("open")
    fitter = Fitter(sample_base_mesh(), body)
    maker = Cutter(body)
    garments = []
    for file in files:
        fitted = fitter.fit(read_mhclo(file))
        for kind, faces in split(fitted, file.parent.parent.name):
            garments.append(maker.cut(fitted, kind, faces))
    for kind, mesh in sewn_garments(body):
        garments.append(maker.cut(mesh, kind, np.arange(len(mesh.faces))))
    return Wardrobe(tuple(garments), maker.surface, fitter.female())


class Cutter:
    """Makes garments of fitted meshes."""

    def __init__(self, body: BodyModel) -> None:
        self.surface = BodySurface(body.v_template.numpy(), body.faces)
        self._normals = vertex_normals(self.surface.points, self.surface.faces)
        self._weights = body.lbs_weights.numpy()
        self._tree = cKDTree(self._features(self.surface.points, self._weights))
        corners = self.surface.faces
        self._face_tree = cKDTree(self._features(self.surface.points[corners].mean(1), self._weights[corners].mean(1)))

    @staticmethod
    def _features(points: np.ndarray, weights: np.ndarray) -> Float[np.ndarray, "points 27"]:
        """What must be near for a point to lie above another: its position, and the bones that it moves with.

        Far from 0: where subnormal numbers are flushed to zero, as `zoo fit` does, scipy's tree cannot step over a
        split at exactly 0, the weight of most bones, and would recurse without end.
        """
        return np.concatenate([points, 0.12 * weights], 1, dtype=np.float64) + 16

    def cut(self, mesh: FittedMesh, kind: str, kept: Int[np.ndarray, " faces"]) -> Garment:
        """The garment of some faces of a mesh."""
        used, faces = np.unique(mesh.faces[kept], return_inverse=True)
        faces = faces.reshape(-1, 3)
        points, weights = mesh.points[used], _few(mesh.weights[used])
        if kind in (*_CLOTH, "shoes"):
            for _ in range(2):
                points = push_out(points, faces, self.surface.points, self.surface.faces)
        anchor = self._tree.query(self._features(points, weights))[1]
        height = np.einsum("vc,vc->v", points - self.surface.points[anchor], self._normals[anchor])
        below = self._face_tree.query(self._features(points[faces].mean(1), weights[faces].mean(1)))[1]
        covers, stand_off = self._coverage(points, faces)
        if kind not in _CLOTH and kind != "shoes":
            covers = np.zeros_like(covers)
        elif kind == "skirt":  # what is below a raised hem is seen
            covers &= self.surface.points[:, 1] > _HIPS
        return Garment(
            name=mesh.name,
            kind=kind,
            points=points,
            directions=mesh.directions[used],
            weights=weights,
            faces=faces,
            body_faces=below,
            anchor=anchor,
            height=height,
            covers=covers,
            stand_off=stand_off,
        )

    def _coverage(
        self, points: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
    ) -> tuple[Bool[np.ndarray, " skin"], Float[np.ndarray, " skin"]]:
        """Which of the body's vertices lie well inside of the garment, and how high it stands above each."""
        start = self.surface.points - 0.02 * self._normals
        hits = RayScene([(points, faces)]).cast(start, self._normals)
        inside = hits.distance < 0.14
        stand_off = np.where(inside, np.maximum(hits.distance - 0.02, 0), 0).astype(np.float32)
        deep = inside
        for _ in range(2):  # a rim of skin stays, so that none is missing at the border
            deep = deep & (self.surface.neighbours @ deep.astype(np.float32) > 0.999)
        return deep, stand_off


def _few(weights: Float[np.ndarray, "vertices 24"]) -> Float[np.ndarray, "vertices 24"]:
    """At most five bones a vertex."""
    kept = np.where(weights >= np.sort(weights, 1)[:, -5:-4], weights, 0.0)
    return np.asarray(kept / kept.sum(1, keepdims=True))
