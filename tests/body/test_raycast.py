"""The ray caster against closed forms of planes, spheres and boxes."""

import numpy as np
import pytest
import trimesh

from body.load import load_body
from body.maps import depth_map, iuv_map, label_map
from body.parts import PART_COUNTS, face_parts, merge_table
from body.raycast import RayScene, Window, camera_rays, cast_camera, interpolate, visible
from body.uv import SurfaceCharts

K = np.array([[80.0, 0, 31.5], [0, 80.0, 23.5], [0, 0, 1]])
SIZE = (64, 48)
QUAD_FACES = np.array([[0, 1, 2], [0, 2, 3]])


def quad(x0, x1, y0, y1, z=2.0):
    return np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float32)


def pixel_rays():
    u, v = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    return np.stack([(u - 31.5) / 80, (v - 23.5) / 80, np.ones_like(u)], -1)


def test_plane_depth_closed_form():
    normal, offset = np.array([0.3, -0.2, 1.0]), 3.0
    corners = quad(-9, 9, -9, 9)
    corners[:, 2] = (offset - corners[:, :2] @ normal[:2]) / normal[2]
    expected = offset / (pixel_rays() @ normal)
    np.testing.assert_allclose(depth_map(corners, QUAD_FACES, K, SIZE), expected, rtol=2e-5)


def test_sphere_depth_and_silhouette():
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.5)
    centre = np.array([0.1, -0.05, 2.5])
    depth = depth_map(np.asarray(ball.vertices + centre, np.float32), np.asarray(ball.faces), K, SIZE)
    rays = pixel_rays()
    a, b, c = (rays**2).sum(-1), -2 * rays @ centre, centre @ centre - 0.25
    discriminant = b**2 - 4 * a * c
    expected = (-b - np.sqrt(np.maximum(discriminant, 0))) / (2 * a)
    inside, outside = discriminant > 0.05, discriminant < 0
    assert np.isinf(depth[outside]).all()
    assert inside.sum() > 400
    np.testing.assert_allclose(depth[inside], expected[inside], atol=2e-3)


def test_box_front_face_depth():
    box = trimesh.creation.box((0.4, 0.4, 0.4))
    depth = depth_map(np.asarray(box.vertices + np.array([0, 0, 2.2]), np.float32), np.asarray(box.faces), K, SIZE)
    seen = np.isfinite(depth)
    # the front face (z = 2, half side 0.2) hides all others: 80 * 0.2 / 2 = 8 pixels to either side
    expected = np.zeros_like(seen)
    expected[16:32, 24:40] = True
    assert (seen == expected).all()
    np.testing.assert_allclose(depth[seen], 2.0, rtol=1e-6)


def test_barycentrics_rebuild_the_hit_points():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 3)).astype(np.float32) * 0.4 + np.array([0, 0, 2.5], np.float32)
    faces = rng.permutation(120).reshape(40, 3) % 40
    window = Window(0, 0, *SIZE)
    hits = cast_camera(RayScene([(points, faces)]), K, window)
    seen = hits.face >= 0
    assert seen.sum() > 200
    rebuilt = interpolate(points, faces, hits)[seen]
    np.testing.assert_allclose(rebuilt, camera_rays(K, window)[seen] * hits.distance[seen, None], atol=2e-4)
    np.testing.assert_allclose(hits.barycentric[seen].sum(-1), 1, atol=1e-5)
    assert hits.barycentric[seen].min() > -1e-5


def test_misses_are_empty():
    hits = cast_camera(RayScene([(quad(-1, 1, -1, 1, -2.0), QUAD_FACES)]), K, Window(0, 0, *SIZE))
    assert (hits.face == -1).all()
    assert (hits.mesh == -1).all()
    assert np.isinf(hits.distance).all()
    assert (interpolate(quad(-1, 1, -1, 1), QUAD_FACES, hits) == 0).all()


def test_nearest_of_several_meshes_wins():
    near, far = quad(-9, 0, -9, 9, 1.0), quad(-9, 9, -9, 9, 2.0)
    hits = cast_camera(RayScene([(far, QUAD_FACES), (near, QUAD_FACES)]), K, Window(0, 0, *SIZE))
    mesh = hits.mesh.reshape(SIZE[::-1])
    assert (mesh[:, :31] == 1).all()
    assert (mesh[:, 33:] == 0).all()


def test_window_and_step_pick_the_same_rays():
    whole = camera_rays(K, Window(0, 0, *SIZE)).reshape(48, 64, 3)
    part = camera_rays(K, Window(10, 5, 7, 4)).reshape(4, 7, 3)
    np.testing.assert_array_equal(part, whole[5:9, 10:17])
    fine = camera_rays(K, Window(-0.25, -0.25, 128, 96, 0.5)).reshape(48, 2, 64, 2, 3)
    np.testing.assert_allclose(fine.mean((1, 3)), whole, atol=1e-6)


def test_shadow_rays_and_visibility():
    plate = quad(-0.5, 0.5, -0.5, 0.5, 1.0)
    scene = RayScene([(plate, QUAD_FACES)])
    origins = np.array([[0, 0, 2.0], [0, 0, 0.5], [0, 0, 2.0]], np.float32)
    towards = np.array([[0, 0, -1.0], [0, 0, -1.0], [1, 0, 0]], np.float32)
    assert scene.occluded(origins, towards).tolist() == [True, False, False]
    points = np.array([[0, 0, 2.0], [0, 0, 1.0], [0, 0, 0.9], [3.0, 0, 2.0]])
    assert visible(scene, points).tolist() == [False, True, True, True]


def test_label_map_of_two_faces():
    corners = quad(-0.2, 0.2, -0.2, 0.2)
    labels = label_map(corners, QUAD_FACES, np.array([3, 7]), K, SIZE)
    assert set(np.unique(labels)) == {0, 3, 7}
    assert labels[18, 38] == 3  # upper right of the diagonal
    assert labels[29, 26] == 7


@pytest.fixture(scope="module")
def body():
    model = load_body("open")
    vertices = model.v_template.numpy() * np.array([1, -1, -1]) + np.array([0, -0.1, 3.2])
    return model, vertices.astype(np.float32)


def test_part_maps_nest(body):
    model, vertices = body
    weights = model.lbs_weights.numpy()
    maps = {n: label_map(vertices, model.faces, face_parts(weights, model.faces, n), K, SIZE) for n in PART_COUNTS}
    assert (maps[24] > 0).sum() > 150
    for parts, labels in maps.items():
        np.testing.assert_array_equal(labels, merge_table(parts)[maps[24]])


def test_iuv_map_agrees_with_depth_and_parts(body):
    model, vertices = body
    template, weights = model.v_template.numpy(), model.lbs_weights.numpy()
    charts = SurfaceCharts.of(template, model.faces, weights, model.regressor.numpy() @ template)
    iuv = iuv_map(vertices, model.faces, charts, K, SIZE)
    parts = label_map(vertices, model.faces, charts.face_part, K, SIZE)
    np.testing.assert_array_equal(iuv[..., 0], parts)
    assert (iuv[parts == 0] == 0).all()
    # the T-posed body faces the camera: the trunk's front has U near 0.5, and V grows upwards along the spine
    trunk = iuv[:, 31][np.isin(parts[:, 31], (7,))]
    assert (np.abs(trunk[:, 1].astype(int) - 128) < 30).all()
    assert trunk[0, 2] > trunk[-1, 2]


@pytest.mark.parametrize(
    ("meshes", "message"),
    [
        ([], "at least one mesh"),
        ([(quad(0, 1, 0, 1), np.zeros((0, 3), int))], "faces are missing"),
        ([(quad(0, 1, 0, 1), np.array([[0, 1, 4]]))], "point outside"),
    ],
)
def test_bad_meshes_are_refused(meshes, message):
    with pytest.raises(ValueError, match=message):
        RayScene(meshes)
