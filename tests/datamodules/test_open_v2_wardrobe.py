"""The wardrobe of open-v2, made of a tiny asset in MakeHuman's layout that hangs on the open body itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from body.load import load_body
from body.parts import face_parts
from body.raycast import RayScene
from body.shading import vertex_normals
from datamodules.open_v2.clothes import tailor
from datamodules.open_v2.clothes.base_mesh import BaseMesh
from datamodules.open_v2.clothes.cloth import draw_cloth
from datamodules.open_v2.clothes.dressing import dress
from datamodules.open_v2.clothes.outfits import Outfit, Worn, draw_outfit
from datamodules.open_v2.clothes.wardrobe import Wardrobe, load_wardrobe
from datamodules.open_v2.types import Layer, Person

BODY = load_body("open")
TEMPLATE = BODY.v_template.numpy()


def _write_asset(folder: Path, height: float) -> None:
    """A shirt: the faces of the trunk and upper arms, `height` metres above the skin."""
    folder.mkdir(parents=True)
    x, y = np.abs(TEMPLATE[:, 0]), TEMPLATE[:, 1]
    used = (x < 0.4) & (y > -0.05) & (y < 0.46)
    kept = BODY.faces[used[BODY.faces].all(1)]
    numbers, faces = np.unique(kept, return_inverse=True)
    offsets = height * vertex_normals(TEMPLATE, BODY.faces)[numbers]
    low, high = TEMPLATE.argmin(0), TEMPLATE.argmax(0)
    lines = ["# made for a test", f"name {folder.name}", f"obj_file {folder.name}.obj"]
    for axis, name in enumerate("xyz"):
        unit = TEMPLATE[high[axis], axis] - TEMPLATE[low[axis], axis]
        lines.append(f"{name}_scale {low[axis]} {high[axis]} {unit:.6f}")
    lines += [
        "verts 0",
        *(f"{n} {n} {n} 1 0 0 {a:.6f} {b:.6f} {c:.6f}" for n, (a, b, c) in zip(numbers, offsets, strict=True)),
    ]
    lines += ["delete_verts", f"{numbers[0]} {numbers[1]} - {numbers[1] + 2}"]
    (folder / f"{folder.name}.mhclo").write_text("\n".join(lines) + "\n")
    mesh = [f"v {a} {b} {c}" for a, b, c in TEMPLATE[numbers]]
    mesh += ["f " + " ".join(f"{i + 1}/{i + 1}" for i in face) for face in faces.reshape(-1, 3)]
    (folder / f"{folder.name}.obj").write_text("\n".join(mesh) + "\n")


def _base_mesh() -> BaseMesh:
    betas = np.random.default_rng(0).normal(0, 1, (24, 10))
    rest = TEMPLATE + np.einsum("vcb,sb->svc", BODY.shapedirs.numpy(), betas)
    still = np.tile(np.eye(3, 4), (24, 24, 1, 1))
    weights = BODY.lbs_weights.numpy().astype(np.float64)
    return BaseMesh(rest.astype(np.float64), weights, still, weights, 0.5 + 0.2 * betas[:, 0])


@pytest.fixture(scope="module")
def wardrobe(tmp_path_factory: pytest.TempPathFactory) -> Wardrobe:
    root = tmp_path_factory.mktemp("assets")
    for name, height in (("tight", 0.0), ("loose", 0.03)):
        _write_asset(root / tailor.ASSETS / "clothes" / name, height)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_ASSETS", str(root))
        patch.setattr(tailor, "sample_base_mesh", _base_mesh)
        torch.set_flush_denormal(True)  # as the command line does: scipy's trees must not split for ever
        try:
            path = tailor.wardrobe_file(root / "cache")
        finally:
            torch.set_flush_denormal(False)
        assert tailor.wardrobe_file(root / "cache") == path
    return load_wardrobe(path)


def _dressed(wardrobe: Wardrobe, name: str, seed: int, twist: float = 0.35) -> tuple[np.ndarray, Layer]:
    rng = np.random.default_rng(seed)
    pose, betas = rng.normal(0, twist, (24, 3)), rng.normal(0, 1, 10)
    person = Person(pose, betas, np.array([0.1, 0.2, 3.0]), "test", seed)
    rotations, shape = torch.tensor(pose, dtype=torch.float32)[None], torch.tensor(betas, dtype=torch.float32)[None]
    vertices = BODY(rotations, shape, torch.tensor([[0.1, 0.2, 3.0]])).vertices[0].numpy()
    transforms = BODY.joint_transforms(rotations, shape)[0].numpy()
    outfit = draw_outfit(wardrobe, seed, betas)
    number = next(k for k, g in enumerate(wardrobe.garments) if g.name == name)
    cloth = draw_cloth(rng)
    outfit = Outfit(outfit.look, (), (Worn(number, cloth),))
    layers = dress(wardrobe, outfit, person, vertices, transforms)
    return vertices, layers[-1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_tight_garment_follows_the_skin(wardrobe: Wardrobe, seed: int) -> None:
    vertices, layer = _dressed(wardrobe, "tight", seed)
    assert len(layer.vertices) < len(vertices)
    apart = cKDTree(vertices).query(layer.vertices)[0]
    # the gap that cloth keeps is 3 mm; what is more comes from weights that are smoother than the skin's
    assert np.median(apart) < 0.006
    assert apart.max() < 0.03


def test_loose_garment_stays_outside(wardrobe: Wardrobe) -> None:
    vertices, layer = _dressed(wardrobe, "loose", 3, twist=0.2)
    hits = RayScene([(vertices, BODY.faces)]).cast(layer.vertices, layer.normals)
    # inside of the body a ray leaves through the next wall; outside it meets nothing, or an arm farther away
    normals = vertex_normals(vertices, BODY.faces)
    nearest = cKDTree(vertices).query(layer.vertices)[1]
    height = np.einsum("vc,vc->v", layer.vertices - vertices[nearest], normals[nearest])
    assert (height > 0).mean() > 0.99
    assert np.median(height) == pytest.approx(0.03, abs=0.006)
    assert np.isinf(hits.distance).mean() > 0.5


def test_cut_sleeve_shows_the_arm(wardrobe: Wardrobe) -> None:
    number = next(k for k, g in enumerate(wardrobe.garments) if g.name == "loose")
    person = Person(np.zeros((24, 3)), np.zeros(10), np.zeros(3), "test", 0)
    still = np.tile(np.eye(3, 4), (24, 1, 1))
    look, cloth = draw_outfit(wardrobe, 0, np.zeros(10)).look, draw_cloth(np.random.default_rng(0))
    arms = {}
    for sleeve in (9.0, 0.28):
        body, garment = dress(
            wardrobe, Outfit(look, (), (Worn(number, cloth, sleeve=sleeve),)), person, TEMPLATE, still
        )
        assert body.body_faces is not None
        used = garment.vertices[np.unique(garment.faces)]
        assert np.abs(used[:, 0]).max() == pytest.approx(min(sleeve, 0.4), abs=0.04)
        assert np.abs(used[:, 0]).max() < sleeve + 1e-4
        centres = np.abs(TEMPLATE[BODY.faces].mean(1)[body.body_faces])
        arms[sleeve] = int(((centres[:, 0] > 0.27) & (centres[:, 0] < 0.3)).sum())
    assert arms[9.0] == 0
    assert arms[0.28] > 50


def test_body_faces_lie_below(wardrobe: Wardrobe) -> None:
    garment = next(g for g in wardrobe.garments if g.name == "loose")
    parts = face_parts(BODY.lbs_weights.numpy(), BODY.faces)
    centres = garment.points[garment.faces].mean(1)
    for side, part in ((1, 17), (-1, 18)):  # upper arms: left and right shoulder joint
        arm = (side * centres[:, 0] > 0.26) & (side * centres[:, 0] < 0.36)
        assert arm.sum() > 20
        assert (parts[garment.body_faces[arm]] == part).all()


def test_outfit_follows_the_seed(wardrobe: Wardrobe) -> None:
    first, again = (draw_outfit(wardrobe, 7, np.zeros(10)) for _ in range(2))
    assert [p.garment for p in first.worn] == [p.garment for p in again.worn]
    assert np.array_equal(first.look.skin, again.look.skin)
    styles = {draw_outfit(wardrobe, seed, np.zeros(10)).look.skin.tobytes() for seed in range(8)}
    assert len(styles) == 8


def test_missing_assets_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"CC0.*makehuman-assets.*ZOO_ASSETS/makehuman/base") as caught:
        tailor.wardrobe_file(tmp_path / "cache")
    assert "\n" not in str(caught.value)
