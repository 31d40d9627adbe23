"""Targets and losses of the cascade against their definitions, one pixel at a time."""

import math

import numpy as np
import pytest
import torch
from people import make_batch

from body.camera import apply_affine, backproject, invert_affine
from body.skeleton import COCO19, H36M18, MPII16, MUCO21
from datamodules.aliases import same_joints
from lightning_modules.cascaded_lifting.bones import bones_of
from lightning_modules.cascaded_lifting.config import CascadeLossConfig
from lightning_modules.cascaded_lifting.lifting import PoseStatistics, camera_numbers, pinhole_joints
from lightning_modules.cascaded_lifting.losses import (
    SUPERVISION,
    cascade_losses,
    lifting_loss,
    ordinal_loss,
)
from lightning_modules.cascaded_lifting.network import CascadeOutput
from lightning_modules.cascaded_lifting.targets import MapSettings, draw_bones, make_targets
from lightning_modules.common.root_depth import pinhole_depth
from lightning_modules.common.volumes import JointTargets, VolumeSpace

CELLS, BINS, SIGMA = 20, 12, 1.5
BONES = ((0, 1), (1, 2), (0, 3))


def sample(seed=0):
    """Three people of four joints: one whole, one without depth, one with a joint that nothing is known of."""
    random = np.random.default_rng(seed)
    joints = torch.from_numpy(random.uniform(-0.48, 0.48, (3, 4, 3)))
    joints[0, 3] = joints[0, 2]  # the same place and channel
    joints[0, 3, 2] += 0.3 if joints[0, 2, 2] < 0 else -0.3  # and another one
    joints[2, 0, 2] = 0.5  # at the far end of the cube
    valid = torch.ones(3, 4, 3, dtype=torch.bool)
    valid[1, :, 2] = False
    valid[2, 3] = False
    return JointTargets(torch.where(valid, joints, 0.0), valid)


def cells_of(joint):
    return [(joint[0] + 0.5) * CELLS, (joint[1] + 0.5) * CELLS, (joint[2] + 0.5) * BINS]


def blob(joint, x, y):
    u, v, _ = cells_of(joint)
    return math.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * SIGMA**2))


def test_maps_cube_and_levels_are_those_of_the_definition():
    given = sample()
    targets = make_targets(given, BONES, MapSettings(CELLS, BINS, SIGMA), 2.0)
    place, valid = given.joints.numpy(), given.valid.numpy()
    cube, levels = np.zeros((3, BINS, CELLS, CELLS)), np.full((3, CELLS, CELLS), -1)
    for person in range(3):
        seen = [j for j in range(4) if valid[person, j, 0]]
        for y in range(CELLS):
            for x in range(CELLS):
                heights = {j: blob(place[person, j], x, y) for j in seen}
                for j, height in heights.items():
                    assert targets.joint_maps[person, j, y, x] == pytest.approx(height, abs=2e-8)
                channel = {j: min(math.floor(cells_of(place[person, j])[2]), BINS - 1) for j in seen}
                for j in seen:
                    if valid[person, j, 2]:
                        at = (person, channel[j], y, x)
                        cube[at] = max(cube[at], heights[j])
                top = max(heights.values())
                owners = [j for j in seen if heights[j] == top]
                if top > 0.5 and all(valid[person, j, 2] for j in owners):
                    levels[person, y, x] = min(channel[j] for j in owners)
    np.testing.assert_allclose(targets.cube, cube, atol=2e-8)
    assert (targets.levels.numpy() == levels).all()
    assert (levels[0] >= 0).sum() > 10
    assert targets.cube_valid.tolist() == [True, False, True]
    assert targets.bones_valid.tolist() == [[True] * 3, [True] * 3, [True, True, False]]
    assert not targets.joint_maps[2, 3].any()
    np.testing.assert_allclose(targets.joints[0, 1], cells_of(place[0, 1]))


def farthest_first(point, start, end):
    """Distance to a segment by ternary search over the points on it."""
    low, high = 0.0, 1.0

    def apart(share):
        return math.dist(point, [a + share * (b - a) for a, b in zip(start, end, strict=True)])

    for _ in range(200):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if apart(left) < apart(right) else (left, high)
    return apart((low + high) / 2)


@pytest.mark.parametrize("distance", ["squared", "plain"])
def test_bones_fall_off_with_the_distance_to_the_segment(distance):
    ends = torch.tensor([[[3.2, 4.1], [10.5, 8.3]], [[6.0, 2.0], [6.0, 9.0]], [[5.5, 5.5], [5.5, 5.5]]])
    maps = draw_bones(ends[None, :, 0].double(), ends[None, :, 1].double(), 12, 1.7, distance)[0]
    for bone, (start, end) in enumerate(ends.tolist()):
        for y in range(12):
            for x in range(12):
                apart = farthest_first((x, y), start, end)
                expected = math.exp(-(apart**2 if distance == "squared" else apart) / (2 * 1.7**2))
                assert maps[bone, y, x] == pytest.approx(expected, abs=1e-6)
    wider = draw_bones(ends[None, :, 0], ends[None, :, 1], 12, 3.4, distance)[0]
    assert (wider >= maps).all()
    assert wider.sum() > 1.5 * maps.sum()


def likelihood(logits, level):
    """Eq. 4 as printed, of one pixel, with channels counted from 1."""
    chance = [1 / (1 + math.exp(-value)) for value in logits]
    return sum(math.log(p) for p in chance[:level]) + sum(math.log(1 - p) for p in chance[level:])


def test_ordinal_loss_is_the_negative_likelihood_of_the_pixels_that_count():
    random = np.random.default_rng(1)
    logits, levels = random.normal(size=(2, BINS, 3, 4)), random.integers(-1, BINS, (2, 3, 4))
    terms = [
        -likelihood(logits[b, :, y, x], levels[b, y, x]) for b, y, x in np.ndindex(levels.shape) if levels[b, y, x] >= 0
    ]
    assert 5 < len(terms) < 24
    loss = ordinal_loss(torch.from_numpy(logits), torch.from_numpy(levels))
    assert loss.item() == pytest.approx(np.mean(terms), rel=1e-5)
    nobody = ordinal_loss(torch.from_numpy(logits), torch.full((2, 3, 4), -1))
    assert nobody.item() == 0


def test_ordinal_loss_orders_answers_by_distance_and_the_plain_distance_does_not():
    """The paper's case: true channel 12; the blob in channel 14 or 30 is the same to Eq. 3 and not to Eq. 4."""
    bins, true = 64, 12
    levels = torch.full((1, 1, 1), true)
    right = torch.zeros(bins)
    right[true] = 1
    ordinal, plain = {}, {}
    for answer in range(bins):
        ranks = torch.where(torch.arange(bins) < answer, 4.0, -4.0)
        ordinal[answer] = ordinal_loss(ranks.view(1, -1, 1, 1), levels).item()
        blobs = torch.zeros(bins)
        blobs[answer] = 1
        plain[answer] = (blobs - right).square().sum().item()
    for near, far in ((13, 14), (14, 30), (30, 63), (11, 10), (10, 2), (2, 0)):
        assert ordinal[true] < ordinal[near] < ordinal[far]
        assert plain[near] == plain[far]
    gaps = {abs(answer - true): ordinal[answer] - ordinal[true] for answer in range(bins)}
    assert gaps[20] == pytest.approx(10 * gaps[2], rel=1e-5)


def outputs(targets, seed=2):
    random = torch.Generator().manual_seed(seed)

    def like(value):
        return torch.randn(value.shape, generator=random, dtype=torch.float64)

    joints = targets.joints + like(targets.joints)
    maps = (like(value) for value in (targets.bone_maps, targets.joint_maps, targets.cube, targets.cube))
    return CascadeOutput(joints, *maps, None)


@pytest.mark.parametrize("supervision", SUPERVISION)
def test_losses_are_the_papers_sums(supervision):
    targets = make_targets(sample(), BONES, MapSettings(CELLS, BINS, SIGMA), 2.0)
    found = outputs(targets)
    weights = {"joint_maps": 0.3, "bone_maps": 0.7}
    settings = {"joint_weight": 0.3, "bone_weight": 0.7, "cube_weight": 0.2, "ordinal_weight": 0.6}
    losses = cascade_losses(found, targets, CascadeLossConfig(supervision=supervision, **settings))
    expected = dict.fromkeys(("joints", "joint_maps", "bone_maps", "cube"), 0.0)
    for person in range(3):
        for joint in range(4):
            for axis in range(3):
                if targets.joints_valid[person, joint, axis]:
                    gap = abs(found.joints[person, joint, axis] - targets.joints[person, joint, axis]).item()
                    expected["joints"] += gap / (3 * 4 * 3)
        for name, masks in (("joint_maps", targets.joints_valid[..., 0]), ("bone_maps", targets.bones_valid)):
            for number, mask in enumerate(masks[person]):
                if mask:
                    gap = getattr(found, name)[person, number] - getattr(targets, name)[person, number]
                    expected[name] += weights[name] * np.linalg.norm(gap) ** 2 / 3
        if person != 1:
            expected["cube"] += 0.2 * np.linalg.norm(found.cube[person] - targets.cube[person]) ** 2 / 3
    assert set(losses) == {"joints", *SUPERVISION[supervision]}
    for name in set(losses) - {"ordinal"}:
        assert losses[name].item() == pytest.approx(expected[name], rel=1e-5), name
    if supervision == "full":
        assert losses["ordinal"].item() == pytest.approx(0.6 * ordinal_loss(found.ordinal, targets.levels).item())
    assert len(SUPERVISION) == 4


def test_every_term_starts_at_ten_to_twenty_percent_of_the_joints():
    """People as they are, on the paper's maps; an answer of nothing, and joints in the middle of the crop."""
    joints = VolumeSpace(256).targets(make_batch(8, 256, skeleton="h36m18"), None, H36M18.root_index)
    targets = make_targets(joints, bones_of(H36M18), MapSettings(64, 64), 4.0)
    blank = (torch.zeros_like(maps) for maps in (targets.bone_maps, targets.joint_maps, targets.cube, targets.cube))
    start = CascadeOutput(torch.full_like(targets.joints, 31.5), *blank, None)
    losses = cascade_losses(start, targets, CascadeLossConfig())
    whole = losses.pop("joints").item()
    assert all(0.1 < value.item() / whole < 0.2 for value in losses.values()), losses


def test_two_dimensional_labels_train_neither_depth_nor_cube():
    given = sample()
    given.valid[..., 2] = False
    targets = make_targets(given, BONES, MapSettings(CELLS, BINS, SIGMA), 2.0)
    found = outputs(targets)
    for value in found[:5]:
        value.requires_grad_()
    sum(cascade_losses(found, targets, CascadeLossConfig()).values()).backward()
    assert found.joints.grad[..., :2].any()
    assert not found.joints.grad[..., 2].any()
    assert not found.cube.grad.any()
    assert not found.ordinal.grad.any()
    assert found.bone_maps.grad.any()


def test_lifting_loss_is_eq_9_on_standardised_joints():
    random = np.random.default_rng(3)
    lifted, truth = random.normal(size=(2, 5, 4, 3))
    valid, spread = random.random((5, 4)) < 0.7, random.uniform(0.1, 0.5, (4, 3))
    expected = np.mean([
        np.mean([valid[b, j] * np.abs((lifted[b, j] - truth[b, j]) / spread[j]).sum() for j in range(4)])
        for b in range(5)
    ])  # fmt: skip
    tensors = (torch.from_numpy(value) for value in (lifted, truth, valid, spread))
    assert lifting_loss(*tensors).item() == pytest.approx(expected)


def test_statistics_are_those_of_all_poses_together():
    random = np.random.default_rng(4)
    points = random.normal([0.5, -3, 0], [0.1, 0.4, 2], (40, 3, 3))
    valid = random.random((40, 3)) < 0.6
    valid[:, 2] = False
    statistics = PoseStatistics(3)
    for rows in np.array_split(np.arange(40), [3, 4, 21]):
        statistics.add(torch.from_numpy(points[rows]).float(), torch.from_numpy(valid[rows]))
    for joint in range(2):
        known = points[valid[:, joint], joint]
        assert statistics.seen[joint] == len(known)
        np.testing.assert_allclose(statistics.mean[joint], known.mean(0), atol=1e-5)
        np.testing.assert_allclose(statistics.spread[joint], known.std(0), rtol=1e-4)
    assert statistics.spread[2].tolist() == [1, 1, 1]


def test_camera_numbers_are_the_rays_of_the_crop():
    focal = torch.tensor([[500.0, 0, 320], [0, 400, 240], [0, 0, 1]])[None]
    affine = torch.tensor([[[0.5, 0, -100], [0, 0.5, -50]]])  # crop pixel 64 is photograph pixel (328, 228)
    numbers = camera_numbers(focal, affine, 128)[0]
    expected = np.array([(328 - 320) / 500, (228 - 240) / 400, (456 - 328) / 500, 0]) * 4
    np.testing.assert_allclose(numbers, expected, atol=1e-5)


def test_pinhole_joints_are_on_their_rays_where_the_box_tells():
    batch = make_batch()
    crop, metres = batch["image"].shape[-1], 2.0
    camera = camera_numbers(batch["intrinsics"], batch["crop_affine"], crop)
    depth = pinhole_depth(batch["box"], batch["intrinsics"], metres)
    behind = batch["joints"][..., 2] - batch["joints"][:, :1, 2]
    seen = torch.cat([batch["joints_2d"] * (2 / crop) - 1, (behind / (metres / 2)).unsqueeze(-1)], -1)
    pixels = apply_affine(batch["joints_2d"], invert_affine(batch["crop_affine"]))
    expected = backproject(pixels, depth[:, None] + behind, batch["intrinsics"])
    torch.testing.assert_close(pinhole_joints(seen, camera, metres), expected, atol=2e-3, rtol=1e-3)
    edge = torch.tensor([[[1.0, 0, 0]]])
    torch.testing.assert_close(pinhole_joints(edge, torch.tensor([[0.0, 0, 2, 0]]), 2.0), torch.tensor([[[1.0, 0, 2]]]))


def test_bones_are_between_joints_that_mpii_has():
    aliases = same_joints("h36m_mpii", MPII16, H36M18)
    known = {j for j, name in enumerate(H36M18.joints) if aliases.get(name, name) in MPII16.joints}
    bones = bones_of(H36M18)
    assert len(bones) == 17
    assert sum(set(bone) <= known for bone in bones) == 15
    assert {child for _, child in bones} == set(range(18)) - {H36M18.root_index}
    assert bones_of(MUCO21) == MUCO21.bones


def test_coco_and_muco_meet_in_fourteen_joints():
    """Without a top of the head, a spine, hands and toes, as in 3DMPPE."""
    aliases = same_joints("muco_coco", COCO19, MUCO21)
    known = {joint for joint in MUCO21.joints if aliases.get(joint, joint) in COCO19.joints}
    assert set(MUCO21.joints) - known == {
        "head_top", "spine_mpi", "head_mpi", "right_hand_mpi", "left_hand_mpi", "right_toe_mpi", "left_toe_mpi"
    }  # fmt: skip
