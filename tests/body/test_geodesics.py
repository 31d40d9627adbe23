"""Distances along a surface against closed forms, and places found by their chart coordinates."""

import numpy as np
import pytest
import trimesh

from body.load import load_body
from body.surface import _steps, measure_surface
from body.surface_renderer import charts_of

LIMIT = 0.3


@pytest.fixture(scope="module")
def open_body():
    return load_body("open")


@pytest.fixture(scope="module")
def surface(open_body):
    return measure_surface(charts_of(open_body), open_body.faces, LIMIT)


def test_paths_over_a_ball_are_great_circles():
    from scipy.sparse.csgraph import dijkstra

    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    found = dijkstra(_steps(ball.vertices, ball.faces), directed=False, indices=[0])[0]
    angles = np.arccos(np.clip(ball.vertices @ ball.vertices[0] / 0.25, -1, 1))
    far = angles > 0.3
    ratio = found[far] / (0.5 * angles[far])
    assert ratio.min() > 0.99  # chords
    assert ratio.max() < 1.1
    assert found[0] == 0


def test_distances_on_the_body(open_body, surface):
    points = open_body.v_template.numpy()
    random = np.random.default_rng(0)
    first, second = random.integers(0, len(points), (2, 20000))
    along, straight = surface.geodesic_distance(first, second), np.linalg.norm(points[first] - points[second], axis=1)
    assert (along >= straight - 1e-6).all(), "no way along the surface is shorter than the straight one"
    assert np.isinf(along[straight > LIMIT]).all()
    near = np.isfinite(along)
    assert 500 < near.sum() < 10000
    np.testing.assert_array_equal(along, surface.geodesic_distance(second, first))
    np.testing.assert_array_equal(surface.geodesic_distance(first, first), 0)
    np.testing.assert_array_equal(surface.geodesic_distance(first[:3], np.full(3, -1)), np.inf)


def test_left_and_right_hand_are_far_apart_and_the_mirrored_ways_as_long(open_body, surface):
    mirror = np.asarray(open_body.mirror)
    random = np.random.default_rng(1)
    first = random.integers(0, len(mirror), 3000)
    second = surface.points[19][random.integers(0, len(surface.points[19]), 3000)]
    first = np.where(np.arange(3000) % 2, first, surface.points[19][first % len(surface.points[19])])
    ways, mirrored = surface.geodesic_distance(first, second), surface.geodesic_distance(mirror[first], mirror[second])
    both = np.isfinite(ways) & np.isfinite(mirrored)
    assert both.sum() > 1000
    # not equal: the two halves are cut into triangles differently
    assert np.abs(ways[both] - mirrored[both]).mean() < 5e-3


def test_places_are_found_by_their_coordinates(open_body, surface):
    iuv = charts_of(open_body).vertex_iuv()
    found = surface.nearest(iuv.part.astype(np.int64), np.stack([iuv.u, iuv.v], 1))
    np.testing.assert_allclose(np.stack([iuv.u, iuv.v], 1)[found], np.stack([iuv.u, iuv.v], 1), atol=1e-6)
    errors = surface.geodesic_distance(found, np.arange(len(found)))
    assert np.median(errors) == 0
    assert (errors < 0.01).mean() > 0.95  # fingers lie over each other in their chart
    assert (surface.nearest(np.zeros(2, np.int64), np.zeros((2, 2))) == -1).all()
