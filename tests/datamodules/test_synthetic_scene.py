"""What is drawn about people and cameras: plausible, varied, and the same for everyone."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from body.skeleton import SMPL24
from datamodules.synthetic.actions import ACTIONS, sample_pose
from datamodules.synthetic.camera import pose_in_camera
from datamodules.synthetic.poses import clip_to_limits, mirror_pose
from datamodules.synthetic.rng import SPLITS, stream
from datamodules.synthetic.scene import MAX_BETA, draw_sample, fingerprint
from datamodules.synthetic.self_intersection import intersects, joints_of, segment_distances

FINGERPRINT_OF_FORTY = "5fedbcf9dea874c57a45bfb8135c7375f99448f01b60d881a282a0d7b566d008"
"""Changes only together with `rng.VERSION`, or when the open body is rebuilt on purpose."""


def joints(pose, model):
    rest = model.regressor.numpy() @ model.v_template.numpy()
    return joints_of(pose, rest.astype(np.float64))


@pytest.fixture(scope="module")
def draws():
    return [draw_sample(0, "test", index) for index in range(200)]


def test_fingerprint_is_the_stored_one():
    assert fingerprint(0, "test", 40, 192) == FINGERPRINT_OF_FORTY


def test_fingerprint_depends_on_everything():
    variants = [(0, "test", 3, 64), (1, "test", 3, 64), (0, "val", 3, 64), (0, "test", 4, 64), (0, "test", 3, 65)]
    assert len({fingerprint(*v) for v in variants}) == len(variants)


def test_draws_do_not_depend_on_order():
    later = draw_sample(0, "test", 17).numbers()
    draw_sample(0, "train", 3)
    np.testing.assert_array_equal(draw_sample(0, "test", 17).numbers(), later)


def test_splits_and_purposes_are_independent_streams():
    firsts = [stream(0, split, 5, purpose).random() for split in SPLITS for purpose in ("person", "camera", "light")]
    assert len(set(firsts)) == len(firsts)
    with pytest.raises(ValueError, match="no split 'holdout'"):
        stream(0, "holdout", 0, "person")
    with pytest.raises(ValueError, match="negative"):
        stream(0, "test", -1, "person")


def test_every_action_occurs(draws):
    assert {draw.action for draw in draws} == set(ACTIONS)


def test_people_are_seen_from_all_sides(draws):
    forward = np.array([Rotation.from_rotvec(draw.pose[0]).apply([0, 0, 1]) for draw in draws])
    facing = np.arctan2(forward[:, 0], forward[:, 2])
    counts = np.histogram(facing, 8, (-np.pi, np.pi))[0]
    assert counts.min() > 200 / 8 * 0.5


def test_shapes_and_cameras_stay_in_their_ranges(draws):
    assert max(np.abs(draw.betas).max() for draw in draws) <= MAX_BETA
    assert np.std([draw.betas for draw in draws]) > 0.85
    fov = np.rad2deg([draw.fov for draw in draws])
    pitch = np.rad2deg([draw.pitch for draw in draws])
    assert 25 <= fov.min() < 30 < 60 < fov.max() <= 65
    assert -15 <= pitch.min() < -10 < 30 < pitch.max() <= 35


@pytest.mark.parametrize("action", ACTIONS)
def test_poses_respect_limits_and_vary(action):
    poses = np.array([sample_pose(action, np.random.default_rng(seed)) for seed in range(20)])
    for pose in poses:
        np.testing.assert_allclose(clip_to_limits(pose), pose, atol=1e-12)
    assert np.rad2deg(poses[:, 1:].std(0)).mean() > 2
    knees = np.rad2deg(poses[:, [SMPL24.index("left_knee"), SMPL24.index("right_knee")], 0])
    assert knees.min() >= 0
    assert knees.max() <= 145.001


def test_actions_look_like_their_names(generator):
    def mean_joints(action):
        poses = (sample_pose(action, np.random.default_rng(seed)) for seed in range(30))
        return np.mean([joints(pose, generator.model) for pose in poses], 0)

    at = SMPL24.index
    sitting, raised, standing, bending = map(mean_joints, ("sitting", "arms_raised", "standing", "bending"))
    assert sitting[at("left_knee"), 2] - sitting[at("left_hip"), 2] > 0.3  # thighs point forward
    assert raised[at("left_wrist"), 1] > raised[at("head"), 1]
    assert standing[at("left_wrist"), 1] < standing[at("pelvis"), 1] + 0.1
    assert bending[at("head"), 2] - bending[at("pelvis"), 2] > 0.25  # the head is in front


def test_mirrored_pose_gives_mirrored_joints(generator):
    pose = sample_pose("dancing", np.random.default_rng(3))
    expected = joints(pose, generator.model)[list(SMPL24.mirror)] * [-1, 1, 1]
    np.testing.assert_allclose(joints(mirror_pose(pose), generator.model), expected, atol=1e-6)


def test_forward_kinematics_agree_with_the_body_model(generator):
    import torch

    pose = sample_pose("throwing", np.random.default_rng(4))
    posed = generator.model(torch.from_numpy(pose).float()[None], torch.zeros(1, 10)).joints[0].numpy()
    np.testing.assert_allclose(joints(pose, generator.model), posed, atol=1e-5)


def test_segment_distance_closed_forms():
    a = np.array([[[0, 0, 0], [1, 0, 0]], [[0, 0, 0], [1, 0, 0]], [[0, 0, 0], [1, 0, 0]]], float)
    b = np.array([[[0.5, -1, 0.3], [0.5, 1, 0.3]], [[0, 2, 0], [1, 2, 0]], [[3, 0, 0], [4, 0, 0]]], float)
    np.testing.assert_allclose(segment_distances(a, b), [0.3, 2, 2], atol=1e-12)


def test_an_arm_through_the_trunk_is_noticed(generator):
    pose = np.zeros((24, 3))
    assert not intersects(joints(pose, generator.model))
    pose[SMPL24.index("left_shoulder"), 1] = -np.pi / 2
    pose[SMPL24.index("left_elbow"), 1] = -np.deg2rad(170)  # the forearm folds back through the shoulder and chest
    pose[SMPL24.index("left_collar"), 1] = -np.deg2rad(30)
    assert intersects(joints(pose, generator.model))


def test_people_fill_the_promised_part_of_the_image(draws, generator):
    extents, misses = [], []
    for draw in draws[:40]:
        person = pose_in_camera(draw, generator.model, 96)
        pixels = person.vertices @ person.intrinsics.T
        pixels = pixels[:, :2] / pixels[:, 2:]
        box = np.ptp(pixels, axis=0).max() / 96
        extents.append(box)
        misses.append(abs(box / draw.extent - 1))
        lowest = person.to_world(person.vertices)[:, 1].min()
        assert abs(lowest - draw.lift) < 1e-3
    assert np.median(misses) < 0.02
    assert min(extents) > 0.45
