import numpy as np
import pytest

from body.open_body import read_open_body
from body.parts import PART_COUNTS, face_parts, merge_table, part_names, swap_table, vertex_parts
from body.skeleton import SMPL24


@pytest.fixture(scope="module")
def data():
    return read_open_body()


def label(parts, joint):
    return part_names(parts)[merge_table(parts)[SMPL24.index(joint) + 1] - 1]


def test_merge_tables_by_hand():
    assert merge_table(24).tolist() == list(range(25))
    assert merge_table(1).tolist() == [0] + [1] * 24
    assert label(12, "left_wrist") == "left_lower_arm"
    assert label(12, "right_collar") == "right_upper_arm"
    assert label(12, "spine1") == "lower_torso"
    assert label(6, "right_collar") == "torso"
    assert label(6, "neck") == "torso"
    assert label(3, "left_hand") == "torso_and_arms"
    # The numbers of Neural Body Fitting's and UPi-S1h's own label images.
    assert merge_table(12)[[SMPL24.index(j) + 1 for j in ("head", "neck", "left_elbow", "right_foot")]].tolist() == [
        1,
        7,
        3,
        12,
    ]
    assert merge_table(6)[[SMPL24.index(j) + 1 for j in ("right_elbow", "left_elbow", "right_hip")]].tolist() == [
        3,
        4,
        5,
    ]


@pytest.mark.parametrize("parts", PART_COUNTS)
def test_every_part_exists_once_and_swaps(parts, data):
    assert len(set(part_names(parts))) == parts
    assert set(merge_table(parts)) == set(range(parts + 1))
    swap = swap_table(parts)
    assert np.array_equal(swap[swap], np.arange(parts + 1))
    labels = vertex_parts(data["weights"], parts)
    assert set(labels) == set(range(1, parts + 1))
    assert np.array_equal(labels[data["mirror"]], swap[labels])
    assert set(face_parts(data["weights"], data["f"], parts)) == set(range(1, parts + 1))


def test_swap_is_nontrivial():
    names = part_names(12)
    swap = swap_table(12)
    assert names[swap[1 + names.index("left_lower_leg")] - 1] == "right_lower_leg"
    assert swap_table(3).tolist() == [0, 1, 2, 3]


def test_faces_carry_the_label_of_most_of_their_corners(data):
    vertices, faces = vertex_parts(data["weights"]), face_parts(data["weights"], data["f"])
    unanimous = (vertices[data["f"]] == vertices[data["f"]][:, :1]).all(axis=1)
    assert unanimous.mean() > 0.85
    assert (faces[unanimous] == vertices[data["f"]][unanimous, 0]).mean() > 0.999


def test_labels_lie_where_the_body_part_is(data):
    points, labels = data["v_template"], vertex_parts(data["weights"], 6)
    names = part_names(6)
    assert points[labels == 1 + names.index("left_arm"), 0].min() > 0.1
    assert points[labels == 1 + names.index("right_leg"), 1].max() < 0.1
    assert points[labels == 1 + names.index("head"), 1].min() > 0.4


def test_unknown_count_is_explained():
    with pytest.raises(ValueError, match="1, 3, 6, 12, 24"):
        merge_table(14)
