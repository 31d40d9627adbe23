"""The generator of open-v2, its backgrounds and its sensor, on assets made for the test: no garments, two pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from body.load import load_body
from datamodules.open_v2.backgrounds.pack import background_file
from datamodules.open_v2.backgrounds.places import KINDS, draw_place
from datamodules.open_v2.backgrounds.views import BackgroundBank, draw_background
from datamodules.open_v2.clothes.wardrobe import BodySurface, Wardrobe
from datamodules.open_v2.generator import Assets, Generator
from datamodules.open_v2.light.environment import environment_file
from datamodules.open_v2.poses.bank import PoseBank
from datamodules.open_v2.scene.shapes import _PARTS, shape
from datamodules.open_v2.sensor import expose

SIZE = 96


def _bank() -> BackgroundBank:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (80, 120, 3), dtype=np.uint8) for _ in range(2)]
    coded = [np.asarray(cv2.imencode(".jpg", picture)[1]).reshape(-1) for picture in pictures]
    offsets = (0, len(coded[0]), len(coded[0]) + len(coded[1]))
    return BackgroundBank(np.concatenate(coded), offsets, (0, 2, 2, 2))


@pytest.fixture(scope="module")
def generator() -> Generator:
    body = load_body("open")
    surface = BodySurface(body.v_template.numpy(), np.asarray(body.faces, np.int64))
    poses = np.zeros((1, 24, 3), np.float16)
    bank = PoseBank(poses, np.zeros(1, np.int64), ("cmu/standing",), "made")
    return Generator(Assets(Wardrobe((), surface, np.zeros(11)), bank, (), _bank()), SIZE)


def test_the_same_index_is_the_same_sample(generator: Generator) -> None:
    first, again = generator.make("train", 3), generator.make("train", 3)
    np.testing.assert_array_equal(first.foreground, again.foreground)
    np.testing.assert_array_equal(first.iuv, again.iuv)
    assert first.background_seed == again.background_seed
    other = generator.make("test", 3)
    assert (first.foreground != other.foreground).any()


def test_labels_describe_what_is_drawn(generator: Generator) -> None:
    inside = []
    for index in range(6):
        sample = generator.make("val", index)
        own = sample.iuv[..., 0] > 0
        assert (sample.foreground[own, 3] > 60).all()  # pixels whose centre is covered
        flat = sample.joints @ sample.intrinsics.T
        pixel = np.rint(flat[:, :2] / flat[:, 2:]).astype(int)
        within = ((pixel >= 0) & (pixel < SIZE)).all(1)
        inside += list(own[pixel[within, 1], pixel[within, 0]])
    assert np.mean(inside) > 0.4  # joints lie in the person, unless something is in front


def test_a_picture_differs_at_every_visit_and_not_for_the_same_numbers(generator: Generator) -> None:
    sample = generator.make("train", 0)
    first = generator.picture(sample, None, np.random.default_rng(0))
    again = generator.picture(sample, None, np.random.default_rng(0))
    other = generator.picture(sample, None, np.random.default_rng(1))
    assert first.shape == (SIZE, SIZE, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"wardrobe\.npz"):
        Generator.from_bundle(tmp_path)


@pytest.mark.parametrize("pack", [background_file, environment_file])
def test_missing_assets_are_named(
    pack: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="@pmndrs/assets into"):
        pack(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_background_is_a_view_of_a_picture() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_background(_bank(), rng, SIZE) for _ in range(20)]
    assert {(image.shape, str(image.dtype)) for image in drawn} == {((SIZE, SIZE, 3), "uint8")}
    assert np.mean([image.std() for image in drawn]) > 10


def test_the_sensor_keeps_what_a_picture_shows() -> None:
    rng = np.random.default_rng(0)
    scene = np.zeros((SIZE, SIZE, 3), np.uint8)
    scene[:, SIZE // 2 :] = 220
    for _ in range(60):
        seen = expose(scene, rng)
        assert seen.shape == scene.shape
        assert seen.dtype == np.uint8
        assert seen[:, SIZE * 3 // 4 :].mean() > seen[:, : SIZE // 4].mean() + 40


@pytest.mark.parametrize("kind", KINDS)
def test_places_are_pictures(kind: str) -> None:
    image = draw_place(kind, np.random.default_rng(1), 96)
    assert image.shape == (96, 96, 3)
    assert image.std() > 1


@pytest.mark.parametrize("kind", sorted(_PARTS))
def test_shapes_have_outward_normals(kind: str) -> None:
    vertices, faces, normals = shape(kind)
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    agree = np.einsum("fkc,fc->fk", normals[faces], across)
    assert (agree > -1e-9).mean() > 0.99
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-3)
