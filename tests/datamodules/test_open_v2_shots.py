"""The pose bank and the shots: made once, the same in any order, where the camera puts them, nobody in anybody."""

import numpy as np
import pytest
import torch

from body.load import load_body
from body.raycast import RayScene
from body.skeleton import SMPL24
from datamodules.open_v2.poses.bank import load_pose_bank, pose_bank_file
from datamodules.open_v2.poses.cmu import RIDES
from datamodules.open_v2.poses.sports import SPORTS, sample_sport
from datamodules.open_v2.scene.figure import pose_figure
from datamodules.open_v2.scene.framing import CUT_SHARE
from datamodules.open_v2.scene.shots import draw_shot
from datamodules.synthetic.actions import sample_pose

SIZE = 128


@pytest.fixture(scope="module")
def body():
    return load_body("open")


def posed(body, pose, betas, transl):
    with torch.no_grad():
        arrays = (torch.from_numpy(np.asarray(a, np.float32))[None] for a in (pose, betas, transl))
        output = body(*arrays)
    return output.vertices[0].double().numpy(), output.joints[0].double().numpy()


@pytest.fixture(scope="module")
def assets(tmp_path_factory, body):
    """A table like CMU's, of six poses."""
    rng = np.random.default_rng(0)
    poses = [sample_pose(name, rng) for name in ("walking", "running", "standing") for _ in range(2)]
    points = np.stack([posed(body, pose, np.zeros(10), np.zeros(3))[1] for pose in poses])
    positions = points[:, [SMPL24.index(joint) for joint in RIDES.values()]]
    folder = tmp_path_factory.mktemp("assets")
    (folder / "cmu").mkdir()
    np.savez(
        folder / "cmu" / "joints.npz",
        positions=(positions - positions[:, :1]).astype(np.float16),
        joints=np.array(list(RIDES)),
        action=np.repeat(["walking", "running", "standing"], 2),
        sequence=np.zeros(6, np.int16),
    )
    return folder


@pytest.fixture(scope="module")
def packed(assets, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_ASSETS", str(assets))
        return pose_bank_file(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def bank(packed):
    return load_pose_bank(packed)


@pytest.fixture(scope="module")
def shots(bank):
    return [draw_shot(bank, 0, "train", index, SIZE) for index in range(60)]


def test_bank_is_made_once_and_travels(packed, assets, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_ASSETS", str(assets))
    before = packed.stat().st_mtime_ns
    assert pose_bank_file(packed.parents[1]) == packed
    assert packed.stat().st_mtime_ns == before
    monkeypatch.delenv("ZOO_ASSETS")
    assert pose_bank_file(packed.parents[1]) == packed  # as on a machine without the assets
    with pytest.raises(FileNotFoundError, match=r"\$ZOO_ASSETS/cmu/joints\.npz"):
        pose_bank_file(tmp_path)


def test_other_file_is_not_a_bank(tmp_path):
    path = tmp_path / "poses.npz"
    path.write_bytes(b"no")
    with pytest.raises(ValueError, match="not a packed pose bank"):
        load_pose_bank(path)


def test_bank_draws_every_source_alike_for_a_seed(bank):
    first = [bank.draw(np.random.default_rng(k)) for k in range(60)]
    second = [bank.draw(np.random.default_rng(k)) for k in range(60)]
    assert {name.split("/")[0] for _, name in first} == {"cmu", "action", "sport"}
    assert {name for _, name in first} <= set(bank.actions)
    for (pose, name), (again, same) in zip(first, second, strict=True):
        np.testing.assert_array_equal(pose, again)
        assert name == same


def test_knees_and_elbows_of_drawn_poses_only_bend(bank):
    poses = np.stack([bank.draw(np.random.default_rng(k))[0] for k in range(120)])
    j = SMPL24.index
    assert poses[:, [j("left_knee"), j("right_knee")], 0].min() >= -1e-6
    assert poses[:, j("left_elbow"), 1].max() <= 1e-6
    assert poses[:, j("right_elbow"), 1].min() >= -1e-6


def test_handstands_stand_on_their_hands(body):
    rng, found = np.random.default_rng(0), 0
    while found < 3:
        pose, name = sample_sport(rng)
        if name == "handstand":
            joints = posed(body, pose, np.zeros(10), np.zeros(3))[1]
            at = {
                joint: joints[SMPL24.index(joint), 1] for joint in ("left_wrist", "right_wrist", "head", "left_ankle")
            }
            assert max(at["left_wrist"], at["right_wrist"]) < at["head"] < at["left_ankle"]
            found += 1
    assert len(SPORTS) > 30


def test_figures_are_the_body(body):
    rng = np.random.default_rng(1)
    pose, betas = sample_pose("kicking", rng), rng.normal(0, 1, 10)
    vertices, joints = posed(body, pose, betas, np.zeros(3))
    figure = pose_figure(pose, betas, "kicking")
    np.testing.assert_allclose(figure.joints, joints, atol=1e-5)
    nearest = np.linalg.norm(figure.points[::20, None] - vertices[None], axis=-1).min(1)
    assert nearest.max() < 1e-5
    assert figure.points[:, 1].min() - vertices[:, 1].min() < 0.03


def test_same_index_is_the_same_shot_in_any_order(bank, shots):
    for index in (41, 3, 17):
        again = draw_shot(bank, 0, "train", index, SIZE)
        for person, same in zip(shots[index].people, again.people, strict=True):
            np.testing.assert_array_equal(person.pose, same.pose)
            np.testing.assert_array_equal(person.transl, same.transl)
            assert person.outfit_seed == same.outfit_seed
        np.testing.assert_array_equal(shots[index].box, again.box)
    other = draw_shot(bank, 0, "test", 3, SIZE)
    assert np.abs(other.box - shots[3].box).max() > 1


def test_size_only_scales(bank, shots):
    double = draw_shot(bank, 0, "train", 5, 2 * SIZE)
    np.testing.assert_array_equal(double.people[0].pose, shots[5].people[0].pose)
    np.testing.assert_allclose(double.box[2:], 2 * shots[5].box[2:], rtol=1e-9)
    half = shots[5].intrinsics[:2, 2] + 0.5  # pixel centres are at integers
    np.testing.assert_allclose(double.intrinsics[:2, 2] + 0.5, 2 * half, rtol=1e-9)


def test_box_holds_what_is_seen(body, shots):
    """Of people that nobody hides, the box encloses the visible vertices up to its jitter."""
    outside = []
    for shot in shots:
        low, high = shot.box[:2], shot.box[:2] + shot.box[2:]
        assert low.min() >= -0.5 - 1e-9
        assert high.max() <= SIZE - 0.5 + 1e-9
        if len(shot.people) == 1:
            person = shot.people[0]
            flat = posed(body, person.pose, person.betas, person.transl)[0] @ shot.intrinsics.T
            assert flat[:, 2].min() > 0.3
            pixels = flat[:, :2] / flat[:, 2:]
            pixels = pixels[((pixels > -0.5) & (pixels < SIZE - 0.5)).all(-1)]
            extent = np.ptp(pixels, axis=0)
            outside.append(np.abs(np.concatenate([pixels.min(0) - low, high - pixels.max(0)]) / np.tile(extent, 2)))
    assert np.median(outside) < 0.04
    assert np.max(outside) < 0.36


def test_most_people_are_whole_and_near_the_middle(body, shots):
    share = []
    for shot in shots:
        person = shot.people[0]
        flat = posed(body, person.pose, person.betas, person.transl)[1] @ shot.intrinsics.T
        pixels = flat[:, :2] / flat[:, 2:]
        share.append(((pixels > 0) & (pixels < SIZE)).all(-1).mean())
    whole = np.mean(np.array(share) == 1)
    assert 1 - 1.7 * CUT_SHARE < whole < 1 - 0.4 * CUT_SHARE
    assert np.min(share) > 0.1


def test_ground_is_under_everyone(body, shots):
    for shot in shots:
        np.testing.assert_allclose(np.linalg.norm(shot.up), 1, atol=1e-9)
        lowest = []
        for person in shot.people:
            vertices, _ = posed(body, person.pose, person.betas, person.transl)
            lowest.append(((vertices - shot.ground) @ shot.up).min())
        assert min(lowest) > -0.035
        assert max(lowest) < 0.65


def test_people_do_not_intersect(body, shots):
    """A vertex is in a closed mesh when the first face that its ray meets is seen from behind."""
    ray, pairs = np.array([0.31, 0.2, 0.93]), 0
    for shot in shots:
        meshes = [posed(body, p.pose, p.betas, p.transl)[0].astype(np.float32) for p in shot.people]
        for mesh in meshes:
            scene = RayScene([(mesh, body.faces)])
            for other in meshes:
                if other is mesh:
                    continue
                points = other[::7]
                hits = scene.cast(points, np.tile(ray, (len(points), 1)))
                corners = mesh[body.faces[hits.face.clip(0)]]
                normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
                assert ((hits.face >= 0) & (normals @ ray > 0)).mean() < 0.002
                pairs += 1
    assert pairs > 20


def test_unknown_splits_and_negative_numbers_are_refused(bank):
    with pytest.raises(ValueError, match="no split 'dev'"):
        draw_shot(bank, 0, "dev", 0, SIZE)
    with pytest.raises(ValueError, match="must not be negative"):
        draw_shot(bank, 0, "test", -1, SIZE)
