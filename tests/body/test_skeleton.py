"""Joint sets and their conversion by name."""

import pytest
import torch

from body.skeleton import COCO17, H36M17, MANO21, SKELETONS, SMPL24, SMPL29, Skeleton, convert, get_skeleton


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_every_skeleton_is_one_tree(skeleton):
    for joint in range(len(skeleton)):
        steps = 0
        while (parent := skeleton.parent_indices[joint]) != joint:
            joint, steps = parent, steps + 1
            assert steps < len(skeleton)
        assert skeleton.parent_indices.count(joint) >= 1
    assert len(skeleton.bones) == len(skeleton) - 1


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_mirror_undoes_itself_and_swaps_sides(skeleton):
    mirror = skeleton.mirror
    assert [mirror[m] for m in mirror] == list(range(len(skeleton)))
    sided = [i for i, m in enumerate(mirror) if m != i]
    assert all(("left_" in skeleton.joints[i]) != ("left_" in skeleton.joints[mirror[i]]) for i in sided)
    assert len(sided) == sum(j.startswith(("left_", "right_")) for j in skeleton.joints)


def test_smpl_tree_matches_the_published_parent_list():
    assert SMPL24.parent_indices[1:] == (0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
    assert SMPL29.joints[:24] == SMPL24.joints


def test_i2l_flip_pairs_match_the_official_list():
    pairs = [(1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16, 17), (18, 19), (20, 21), (22, 23), (25, 26), (27, 28)]
    assert sorted((i, m) for i, m in enumerate(SMPL29.mirror) if i < m) == pairs


def test_h36m_flip_pairs_match_the_official_list():
    pairs = [(1, 4), (2, 5), (3, 6), (11, 14), (12, 15), (13, 16)]
    assert sorted((i, m) for i, m in enumerate(H36M17.mirror) if i < m) == pairs


def test_conversion_scatters_by_name_and_masks_what_is_absent():
    points = torch.arange(17 * 2.0).reshape(1, 17, 2) + 1
    valid = torch.ones(1, 17, dtype=torch.bool)
    valid[0, COCO17.index("left_knee")] = False
    out, mask = convert(points, valid, COCO17, SMPL24)
    assert out[0, SMPL24.index("right_wrist")].tolist() == points[0, COCO17.index("right_wrist")].tolist()
    assert not mask[0, SMPL24.index("left_knee")]
    absent = [j for j in SMPL24.joints if j not in COCO17.joints]
    assert not mask[0, [SMPL24.index(j) for j in absent]].any()
    assert not out[0][~mask[0]].any()


def test_aliases_declare_that_two_names_mean_one_place():
    points, valid = torch.ones(17, 3), torch.ones(17, dtype=torch.bool)
    _, mask = convert(points, valid, H36M17, SMPL24, {"pelvis": "pelvis_h36m"})
    assert mask[SMPL24.index("pelvis")]
    assert not convert(points, valid, H36M17, SMPL24)[1][SMPL24.index("pelvis")]


def test_wrong_skeletons_and_names_are_refused():
    with pytest.raises(ValueError, match="repeat"):
        Skeleton("twice", ("a", "a"), ("a", "a"), "a")
    with pytest.raises(ValueError, match="unknown parents or root"):
        Skeleton("orphan", ("a", "b"), ("a", "c"), "a")
    with pytest.raises(KeyError, match="smpl24"):
        get_skeleton("smpl25")
    with pytest.raises(KeyError, match="wrist"):
        MANO21.index("elbow")
