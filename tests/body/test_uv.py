import numpy as np
import pytest

from body.open_body import read_open_body
from body.parts import swap_table
from body.skeleton import SMPL24
from body.uv import SurfaceCharts


@pytest.fixture(scope="module")
def data():
    return read_open_body()


@pytest.fixture(scope="module")
def charts(data):
    points = data["v_template"].astype(np.float64)
    return SurfaceCharts.of(points, data["f"], data["weights"], data["J_regressor"].astype(np.float64) @ points)


@pytest.fixture(scope="module")
def surface(data):
    """Random points of the surface: faces and places."""
    rng = np.random.default_rng(0)
    faces = rng.integers(0, len(data["f"]), 20_000)
    mixes = rng.dirichlet((1, 1, 1), len(faces))
    return faces, np.einsum("pk,pkc->pc", mixes, data["v_template"][data["f"][faces]].astype(np.float64))


def part(name):
    return SMPL24.index(name) + 1


def test_ranges_and_background(charts, surface):
    faces, points = surface
    out = charts.iuv(faces, points)
    assert set(out.part) == set(range(1, 25))
    for coordinate in (out.u, out.v):
        assert coordinate.dtype == np.float32
        assert coordinate.min() >= 0
        assert coordinate.max() <= 1
    image = charts.iuv(np.full((4, 5), -1), np.zeros((4, 5, 3)))
    assert not image.part.any()
    assert not image.u.any()
    assert not image.v.any()


def test_mirrored_points_have_mirrored_coordinates(charts, data, surface):
    out = charts.vertex_iuv()
    other = data["mirror"]
    assert np.array_equal(out.part[other], swap_table(24)[out.part])
    paired = swap_table(24)[out.part] != out.part
    apart = np.abs(out.u - 0.5) < 0.49  # at the seam 0 and 1 are the same place
    np.testing.assert_allclose(out.v[other], out.v, atol=1e-4)
    np.testing.assert_allclose(out.u[other][paired & apart], out.u[paired & apart], atol=1e-4)
    np.testing.assert_allclose(out.u[other][~paired & apart], 1 - out.u[~paired & apart], atol=1e-4)


def test_forearm_by_hand(charts, surface):
    """On the left forearm the bone is the x axis: V grows with x, U is the angle from straight up."""
    faces, points = surface
    out = charts.iuv(faces, points)
    arm = out.part == part("left_elbow")
    assert np.corrcoef(points[arm, 0], out.v[arm])[0, 1] > 0.9999
    top = arm & (np.abs(out.u - 0.5) < 0.03)
    bottom = arm & (np.abs(out.u - 0.5) > 0.47)
    assert points[top, 1].min() > points[bottom, 1].max() + 0.02
    front = arm & (np.abs(out.u - 0.75) < 0.03)
    back = arm & (np.abs(out.u - 0.25) < 0.03)
    assert points[front, 2].min() > points[back, 2].max()


def test_trunk_front_and_seam(charts, surface):
    faces, points = surface
    out = charts.iuv(faces, points)
    chest = out.part == part("spine3")
    assert points[chest & (np.abs(out.u - 0.5) < 0.05), 2].min() > 0
    assert points[chest & (np.abs(out.u - 0.5) > 0.45), 2].max() < 0
    assert points[chest & (out.u > 0.55) & (out.u < 0.9), 0].min() > 0  # grows towards the body's left


@pytest.mark.parametrize("name", ["spine1", "left_knee", "right_elbow", "right_shoulder", "left_hip"])
def test_close_coordinates_are_close_places(name, charts, surface):
    """Where a part is round about its bone, (U, V) pins the point down to a few centimetres."""
    from scipy.spatial import cKDTree

    faces, points = surface
    out = charts.iuv(faces, points)
    inside = out.part == part(name)
    angle = 2 * np.pi * out.u[inside]
    circle = np.stack([np.cos(angle), np.sin(angle), 2 * out.v[inside]], axis=1)
    nearest = cKDTree(circle).query(circle, k=2)[1][:, 1]
    apart = np.linalg.norm(points[inside] - points[inside][nearest], axis=1)
    assert np.median(apart) < 0.02
    assert np.quantile(apart, 0.98) < 0.06


def test_a_body_without_a_part_is_refused(data):
    weights = data["weights"].copy()
    weights[:, 20] += weights[:, 22]
    weights[:, 22] = 0
    with pytest.raises(ValueError, match="left_hand"):
        SurfaceCharts.of(data["v_template"], data["f"], weights, data["J_regressor"] @ data["v_template"])
