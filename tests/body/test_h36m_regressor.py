"""The order of `J_regressor_h36m.npy` is found by the sides on which its joints lie."""

import numpy as np
import pytest
from distributed_files import h36m_regressor

from body.h36m_regressor import read_h36m_regressor
from body.open_body import read_open_body
from body.skeleton import H36M17

OURS = H36M17.joints
LEGS_FIRST_LEFT = [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]
"""SPIN's file: rows 1 to 3 are the left leg."""
ARMS_FIRST_RIGHT = [*range(11), 14, 15, 16, 11, 12, 13]


@pytest.fixture(scope="module")
def body():
    """Template and regressor of a real shape, in the order of `H36M17`."""
    data = read_open_body()
    return data["v_template"].astype(np.float64), data["regressors"]["h36m17"].astype(np.float64)


@pytest.mark.parametrize(
    ("order", "exchanged"),
    [
        (list(range(17)), ()),
        (LEGS_FIRST_LEFT, ("legs",)),
        (ARMS_FIRST_RIGHT, ("arms",)),
        ([ARMS_FIRST_RIGHT[row] for row in LEGS_FIRST_LEFT], ("legs", "arms")),
    ],
)
def test_every_order_of_sides_gives_the_same_regressor(body, tmp_path, order, exchanged):
    template, matrix = body
    np.save(tmp_path / "J.npy", matrix[order])
    found = read_h36m_regressor(tmp_path / "J.npy", template)
    assert found.exchanged == exchanged
    np.testing.assert_array_equal(found.weights, matrix)
    joints = dict(zip(OURS, found.weights @ template, strict=True))
    for name in ("hip_h36m", "knee", "ankle", "shoulder", "elbow", "wrist"):
        assert joints[f"left_{name}"][0] > 0 > joints[f"right_{name}"][0]


def test_the_generated_regressor_of_other_tests_is_in_order():
    template = np.random.default_rng(0).normal(0, 0.3, (400, 3))
    across = h36m_regressor(template) @ template[:, 0]
    left = [across[OURS.index(joint)] for joint in OURS if joint.startswith("left_")]
    right = [across[OURS.index(joint)] for joint in OURS if joint.startswith("right_")]
    assert min(left) > max(right)


def test_other_files_are_refused(body, tmp_path):
    template, matrix = body
    path = tmp_path / "J.npy"
    mixed = matrix.copy()
    mixed[[2, 5]] = mixed[[5, 2]]  # the knees alone
    for content, message in (
        (mixed, "the legs do not lie left and right"),
        (np.zeros_like(matrix), "the legs do not lie"),
        (matrix[:, :50], r"must hold \(17, \d+\) numbers, not \(17, 50\)"),
        (matrix.T, "must hold"),
        (matrix > 0, "must hold"),
        (matrix * np.nan, "the legs do not lie"),
    ):
        np.save(path, content)
        with pytest.raises(ValueError, match=message):
            read_h36m_regressor(path, template)
    path.write_bytes(b"<html>")
    with pytest.raises(ValueError, match="no whole npy file"):
        read_h36m_regressor(path, template)
