"""The renderer of open-v2 against second ways of doing the same: quadrature, a plain ray cast, closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Float

from body.load import load_body
from body.maps import iuv_map
from body.raycast import Hits, RayScene, Window, cast_camera
from body.shading import vertex_normals
from body.uv import SurfaceCharts
from datamodules.open_v2.generator import composite
from datamodules.open_v2.light.environment import directions, reduce
from datamodules.open_v2.light.harmonics import basis, irradiance
from datamodules.open_v2.light.light import Light
from datamodules.open_v2.render.folds import Folds
from datamodules.open_v2.render.ground import ground_shadow
from datamodules.open_v2.render.render import encode, render, srgb
from datamodules.open_v2.render.surface import SurfaceMapper
from datamodules.open_v2.render.trace import Tracer
from datamodules.open_v2.types import Layer
from datamodules.synthetic.embree import TriangleScene

BODY = load_body("open")
FACES = np.asarray(BODY.faces, np.int64)
SIZE = 96
CAMERA = np.array([[130.0, 0, 47.5], [0, 130.0, 47.5], [0, 0, 1]])
PLACED = (BODY.v_template.numpy() * [1, -1, -1] + [0, -0.1, 2.9]).astype(np.float32)


class Grey:
    """Albedo 0.5, matt."""

    def paint(self, hits: Hits) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, " rays"]]:
        count = len(hits.face)
        return np.full((count, 3), 0.5, np.float32), np.zeros(count, np.float32)


def _body(shift: tuple[float, float, float] = (0, 0, 0)) -> Layer:
    points = PLACED + np.asarray(shift, np.float32)
    return Layer(points, FACES, vertex_normals(points, FACES), Grey(), np.arange(len(FACES)), "skin")


def _light(fill: float, key: float) -> Light:
    surround = np.zeros((9, 3), np.float32)
    surround[0] = fill / 0.282095
    axes = np.diag([1.0, -1.0, -1.0]).astype(np.float32)
    towards = np.array([0.0, -1.0, 0.0], np.float32)
    return Light(axes, surround, towards, np.full(3, key, np.float32), 0.01, 0.0)


def _sphere(count: int) -> Float[np.ndarray, "count 3"]:
    """Fibonacci's even directions."""
    k = np.arange(count) + 0.5
    height, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], -1)


def test_harmonics_are_orthonormal() -> None:
    values = basis(_sphere(20000))
    np.testing.assert_allclose(values.T @ values * 4 * np.pi / 20000, np.eye(9), atol=1e-3)


def test_irradiance_is_the_integral_over_the_hemisphere() -> None:
    rng = np.random.default_rng(0)
    coefficients = rng.normal(0, 0.2, (9, 3))
    coefficients[0] += 6  # radiance stays positive
    towards, normals = _sphere(40000), _sphere(7)
    radiance = basis(towards) @ coefficients
    cosine = np.clip(normals @ towards.T, 0, None)
    expected = cosine @ radiance * 4 * np.pi / len(towards) / np.pi
    np.testing.assert_allclose(irradiance(coefficients, normals), expected, rtol=2e-3)


def test_a_sun_in_an_even_sky_becomes_the_key_light() -> None:
    panorama = np.full((64, 128, 3), 0.5, np.float32)
    towards = directions(64)
    sun = np.array([0.6, 0.48, -0.64])
    panorama[towards @ sun > 0.998] = [400.0, 380.0, 300.0]
    found = reduce("made", panorama)
    assert found.key @ sun > 0.999
    assert found.key_colour[0] > found.key_colour[2] > 0
    even = irradiance(found.harmonics, _sphere(50))
    np.testing.assert_allclose(even, 0.5, rtol=0.1)  # the sky is scaled to a mean of one half


def test_the_tracer_sees_what_a_plain_ray_cast_sees() -> None:
    layers = [_body(), _body((0.35, 0.1, -0.4))]
    seen = Tracer(layers, CAMERA, SIZE).cast(
        np.stack(np.meshgrid(*[np.arange(SIZE, dtype=np.float32)] * 2), -1).reshape(-1, 2)
    )
    scene = RayScene([(layer.vertices, FACES) for layer in layers])
    plain = cast_camera(scene, CAMERA, Window(0, 0, SIZE, SIZE))
    same = seen.layer == plain.mesh
    assert same.mean() > 0.999  # a ray may slip between the triangles of a rim
    both = same & (plain.mesh >= 0) & (seen.face == plain.face)
    assert both.sum() > 0.99 * (plain.mesh >= 0).sum()
    np.testing.assert_allclose(seen.depth[both], plain.distance[both], rtol=1e-4)
    np.testing.assert_allclose(seen.barycentric[both], plain.barycentric[both], atol=5e-3)


def test_coverage_is_the_share_of_a_finer_grid() -> None:
    layers = [_body()]
    tracer = Tracer(layers, CAMERA, SIZE)
    picture = render(
        tracer, layers, _light(0.5, 0.0), np.random.default_rng(0), Folds.draw(np.random.default_rng(0), 1)
    )
    fine = cast_camera(RayScene([(PLACED, FACES)]), CAMERA, Window(-0.375, -0.375, 4 * SIZE, 4 * SIZE, 0.25))
    expected = (fine.mesh >= 0).reshape(SIZE, 4, SIZE, 4).mean((1, 3))
    assert np.abs(picture.coverage - expected).mean() < 0.004
    assert np.abs(picture.coverage - expected).max() <= 0.6  # four rays against sixteen


def test_even_light_gives_albedo_times_light_where_nothing_hides_it() -> None:
    triangle = np.array([[-5, -5, 3], [5, -5, 3], [0, 8, 3]], np.float32)
    layer = Layer(triangle, np.array([[0, 2, 1]]), np.tile([[0, 0, -1.0]], (3, 1)).astype(np.float32), Grey())
    folds = Folds.draw(np.random.default_rng(0), 1)
    picture = render(Tracer([layer], CAMERA, SIZE), [layer], _light(0.8, 0.0), np.random.default_rng(0), folds)
    middle = picture.colour[40:56, 40:56]
    np.testing.assert_allclose(middle, 0.4, rtol=0.02)


def test_surface_coordinates_of_the_bare_body_are_the_maps() -> None:
    joints = BODY.regressor.numpy() @ BODY.v_template.numpy()
    charts = SurfaceCharts.of(BODY.v_template.numpy(), FACES, BODY.lbs_weights.numpy(), joints)
    layers = [_body(), _body((0.35, 0.1, -0.4))]
    tracer = Tracer(layers, CAMERA, SIZE)
    folds = Folds.draw(np.random.default_rng(0), 2)
    picture = render(tracer, layers, _light(0.5, 0.0), np.random.default_rng(0), folds)
    found = SurfaceMapper(charts, FACES).iuv(picture.pixels, picture.seen, layers[:1], PLACED, CAMERA, SIZE)
    alone = iuv_map(PLACED, FACES, charts, CAMERA, (SIZE, SIZE))
    other = cast_camera(RayScene([(layers[1].vertices, FACES)]), CAMERA, Window(0, 0, SIZE, SIZE))
    alone[(other.mesh >= 0).reshape(SIZE, SIZE)] = 0  # it stands in front
    agree = (np.abs(found.astype(int) - alone) <= 2).all(-1)
    assert agree[alone[..., 0] > 0].mean() > 0.98
    assert ((found[..., 0] > 0) == (alone[..., 0] > 0)).mean() > 0.998


def test_a_shadow_lies_below_someone_under_a_lamp() -> None:
    feet = PLACED[PLACED[:, 1].argmax()]
    up = np.array([0.0, -0.8, -0.6])  # the camera looks down
    tracer = Tracer([_body()], CAMERA, SIZE)
    shadow = ground_shadow(tracer, feet, up, feet[None], _light(0.1, 1.0), np.random.default_rng(0))
    pixel = (CAMERA @ feet)[:2] / feet[2]
    x, y = np.rint(pixel).astype(int)
    assert shadow[y - 3 : y + 1, x - 6 : x + 6].max() > 0.3
    assert shadow[:, :4].max() < 0.05


def test_a_premultiplied_foreground_covers_its_background() -> None:
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, (5, 5, 1))
    colour = (rng.random((5, 5, 3)) * alpha).astype(np.uint8)
    foreground = np.concatenate([colour, alpha.astype(np.uint8)], -1)
    background = rng.integers(0, 256, (5, 5, 3)).astype(np.uint8)
    expected = colour + (1 - alpha / 255) * background
    found = composite(foreground, background).astype(float)
    assert np.abs(found - expected.clip(0, 255)).max() <= 0.5 + 1e-3


def test_the_table_is_srgb() -> None:
    linear = np.linspace(0, 1, 999)
    expected = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.power(linear, 1 / 2.4) - 0.055)
    np.testing.assert_allclose(srgb(linear), expected, atol=0.003)


def test_encoding_keeps_colours_of_covered_pixels_and_adds_the_shadow() -> None:
    layers = [_body()]
    tracer = Tracer(layers, CAMERA, SIZE)
    picture = render(
        tracer, layers, _light(0.5, 0.0), np.random.default_rng(0), Folds.draw(np.random.default_rng(0), 1)
    )
    plain = encode(picture, np.zeros((SIZE, SIZE), np.float32), 1.0)
    shaded = encode(picture, np.full((SIZE, SIZE), 0.5, np.float32), 1.0)
    np.testing.assert_array_equal(plain[..., :3], shaded[..., :3])
    np.testing.assert_array_equal(plain[..., 3], np.rint(picture.coverage * 255))
    assert (shaded[picture.coverage == 0][:, 3] == 128).all()
    assert (plain[..., :3] <= plain[..., 3:].astype(int) + 1).all()


@pytest.mark.parametrize("wanted", [0, 3])
def test_nothing_before_the_camera_is_an_empty_picture(wanted: int) -> None:
    layers = [_body((0, 0, -9.0))] * max(wanted, 1)
    tracer = Tracer(layers, CAMERA, SIZE)
    folds = Folds.draw(np.random.default_rng(0), len(layers))
    picture = render(tracer, layers, _light(0.5, 1.0), np.random.default_rng(0), folds)
    assert picture.coverage.max() == 0


def test_packets_of_rays_meet_what_single_rays_meet() -> None:
    rng = np.random.default_rng(0)
    origins = rng.normal(0, 1, (37, 3)).astype(np.float32) + np.array([0, 0, 2.9], np.float32)
    directions = (PLACED[rng.integers(0, len(PLACED), 37)] - origins + rng.normal(0, 0.2, (37, 3))).astype(np.float32)
    scene = TriangleScene(PLACED, FACES)
    face, u, v, distance = scene.intersect(origins, directions)
    single = RayScene([(PLACED, FACES)]).cast(origins, directions)
    np.testing.assert_array_equal(face >= 0, single.mesh >= 0)
    assert 5 < (face >= 0).sum() < 37
    hit = face >= 0
    np.testing.assert_allclose(distance[hit], single.distance[hit], rtol=1e-4)
    points = np.einsum("rk,rkc->rc", np.stack([1 - u - v, u, v], -1)[hit], PLACED[FACES[face[hit]]])
    np.testing.assert_allclose(points, (origins + directions * distance[:, None])[hit], atol=2e-4)
    np.testing.assert_array_equal(scene.occluded(origins, directions), hit)
