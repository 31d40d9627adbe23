"""Heatmap triplets against their definition, one sample and one part at a time, and decoded again."""

import math

import numpy as np
import pytest
import torch
from people import make_batch

from body.skeleton import get_skeleton
from lightning_modules.common.volumes import JointTargets, VolumeSpace, joint_loss
from lightning_modules.hemlets.config import HemletsConfig
from lightning_modules.hemlets.losses import MapLoss
from lightning_modules.hemlets.network import HemletsNet
from lightning_modules.hemlets.parts import DEFAULT_PARTS, STATES, make_parts
from lightning_modules.hemlets.targets import (
    PartStates,
    draw,
    part_states,
    states_from_joints,
    states_from_order,
)

H36M18 = get_skeleton("h36m18")
CELLS, SIGMA = 32, 1.0


def skeletons(count=40, seed=0):
    """Random joints; the places in the image are at least five cells apart from each other."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(count, 18, 3)) * [0.3, 0.3, 0.4]
    grid = np.stack(np.meshgrid(range(5), range(5)), -1).reshape(-1, 2)
    cells = (
        np.stack([grid[random.permutation(25)[:18]] for _ in range(count)]) * 5.5
        + 4
        + random.uniform(size=(count, 18, 2))
    )
    place = torch.from_numpy(cells / (CELLS - 1) - 0.5)
    targets = JointTargets(
        torch.cat([place, torch.from_numpy(points[..., 2:] / 2)], -1).float(),
        torch.ones(count, 18, 3, dtype=torch.bool),
    )
    return torch.from_numpy(points), targets


def definition(parent, child):
    """Eq. 1 with epsilon half the part's length; 5 states by the angle with the image plane, in degrees."""
    bone = np.asarray(parent) - np.asarray(child)
    angle = math.degrees(math.asin(bone[2] / np.linalg.norm(bone)))
    three = 1 if bone[2] > 0.5 * np.linalg.norm(bone) else -1 if bone[2] < -0.5 * np.linalg.norm(bone) else 0
    five = int(np.digitize(angle, [-60, -30, 30, 60])) - 2
    return three, five


@pytest.mark.parametrize("encoding", STATES)
def test_states_are_those_of_the_definition(encoding):
    points, _ = skeletons()
    parts = make_parts(H36M18, encoding=encoding)
    states = states_from_joints(points, torch.ones(40, 18, dtype=torch.bool), parts)
    seen = set()
    for person in range(40):
        for part, (parent, child) in enumerate(zip(parts.parents, parts.children, strict=True)):
            three, five = definition(points[person, parent], points[person, child])
            expected = five if encoding == "5s" else three
            seen.add(expected)
            assert states.order[person, part] == expected
    assert seen == set(range(-(STATES[encoding] // 2), STATES[encoding] // 2 + 1))


def test_around_epsilon():
    """A part of length 1 changes its state where it is half as deep as long, on either side; a tie is within 1e-12."""
    parts = make_parts(H36M18, [["pelvis_h36m", "right_hip_h36m"]])
    deep = torch.tensor([0.5 - 1e-12, 0.5 + 1e-12, -0.5 + 1e-12, -0.5 - 1e-12, 0.0, 1.0], dtype=torch.float64)
    points = torch.zeros(6, 18, 3, dtype=torch.float64)
    points[:, 1, 0], points[:, 1, 2] = (1 - deep**2).sqrt(), -deep
    states = states_from_joints(points, torch.ones(6, 18, dtype=torch.bool), parts)
    assert states.order[:, 0].tolist() == [0, 1, 0, -1, 0, 1]


def test_labels_of_depth_order_become_states():
    """Forward/backward of some parts (FBI), or of all pairs of joints (Ordinal), come as one matrix."""
    parts = make_parts(H36M18)
    order, valid = torch.zeros(1, 18, 18, dtype=torch.long), torch.zeros(1, 18, 18, dtype=torch.bool)
    labels = {0: 1, 4: -1, 9: 0}  # part -> r: child nearer, child farther, level
    for part, state in labels.items():
        order[0, parts.parents[part], parts.children[part]] = state  # 1: the parent is farther
        valid[0, parts.parents[part], parts.children[part]] = True
    states = states_from_order(order, valid, parts)
    assert states.valid[0].nonzero().flatten().tolist() == [0, 4, 9]
    assert [states.order[0, part].item() for part in labels] == list(labels.values())
    five = states_from_order(order, valid, make_parts(H36M18, encoding="5s"))
    assert five.valid[0].nonzero().flatten().tolist() == [9]  # how steep the others are nobody said


def test_joints_count_more_than_labels_and_missing_ones_are_masked():
    parts, batch = make_parts(H36M18), make_batch(2, skeleton="h36m18")
    batch["vertices_valid"] = torch.zeros(2, dtype=torch.bool)
    regressor = torch.zeros(18, batch["vertices"].shape[1])
    batch["depth_order"] = torch.full((2, 18, 18), 7)  # no state: shows where labels were taken
    batch["depth_order_valid"][0] = True
    batch["joints_valid"][:, H36M18.index("left_wrist")] = False
    states = part_states(batch, parts, regressor)
    wrist = parts.children.index(H36M18.index("left_wrist"))
    assert states.order[0, wrist] == 7
    assert states.valid[0].all()
    assert (states.order[:, :wrist] != 7).all()
    assert states.valid[1].nonzero().flatten().tolist() == [part for part in range(14) if part != wrist]


def slow_maps(place, order, parts):
    """The maps of one person by the words of section 3.1, cell by cell."""

    def blob(joint):
        x, y = (place[joint] + 0.5) * (CELLS - 1)
        return np.array(
            [[math.exp(-((i - x) ** 2 + (j - y) ** 2) / (2 * SIGMA**2)) for i in range(CELLS)] for j in range(CELLS)]
        )

    maps = np.zeros((len(parts), parts.states, CELLS, CELLS))
    middle = parts.states // 2
    for part, (parent, child) in enumerate(zip(parts.parents, parts.children, strict=True)):
        r = int(order[part])
        home = middle - r if parts.encoding == "2s" else middle
        maps[part, home] = blob(parent)
        maps[part, middle + r] = np.maximum(maps[part, middle + r], blob(child))
    return maps


@pytest.mark.parametrize("encoding", STATES)
def test_maps_are_those_of_the_definition(encoding):
    points, targets = skeletons(4)
    parts = make_parts(H36M18, encoding=encoding)
    states = states_from_joints(points, torch.ones(4, 18, dtype=torch.bool), parts)
    drawn = draw(targets, states, parts, CELLS, SIGMA)
    for person in range(4):
        expected = slow_maps(targets.joints[person, :, :2].double().numpy(), states.order[person], parts)
        np.testing.assert_allclose(drawn.parts[person], expected, atol=1e-5)


def peaks(maps):
    """Places of the largest values, to a fraction of a cell: a Gaussian's logarithm is a parabola."""
    flat = maps.flatten(-2).argmax(-1)
    y, x = flat // CELLS, flat % CELLS
    log = maps.clamp(min=1e-30).log()

    def near(dy, dx):
        return torch.stack(
            [log[i, j, y[i, j] + dy, x[i, j] + dx] for i in range(len(y)) for j in range(y.shape[1])]
        ).view(y.shape)

    middle = near(0, 0)
    shift_x, shift_y = (
        (near(*(-s for s in step)) - near(*step)) / (2 * (near(*step) + near(*(-s for s in step)) - 2 * middle))
        for step in ((0, 1), (1, 0))
    )
    return torch.stack([x + shift_x, y + shift_y], -1) / (CELLS - 1) - 0.5


def test_ideal_maps_decode_to_the_joints_and_their_depth_order():
    points, targets = skeletons(10)
    parts = make_parts(H36M18)
    states = states_from_joints(points, torch.ones(10, 18, dtype=torch.bool), parts)
    drawn = draw(targets, states, parts, CELLS, SIGMA)
    torch.testing.assert_close(peaks(drawn.joints), targets.joints[..., :2], atol=1e-4, rtol=0)
    strength = drawn.parts.amax((-1, -2))  # the middle map always has a parent; a child elsewhere is seen there
    child = torch.where(strength[:, :, 2] > 0.5, 1, torch.where(strength[:, :, 0] > 0.5, -1, 0))
    assert torch.equal(child, states.order)
    of_child = drawn.parts.gather(2, (child + 1)[:, :, None, None, None].expand(-1, -1, 1, CELLS, CELLS))[:, :, 0]
    places = targets.joints[:, list(parts.children), :2]
    apart = child != 0  # where both are in one map, the larger peak may be the parent's
    torch.testing.assert_close(peaks(of_child)[apart], places[apart], atol=1e-4, rtol=0)


def test_ideal_volumes_decode_to_the_joints():
    widths = {"head_channels": 4, "feature_channels": 4, "hidden_channels": 4}
    network = HemletsNet(HemletsConfig(backbone="resnet18_tiny", depth_bins=9, **widths), 3, 2)
    random = torch.Generator().manual_seed(0)
    cells = torch.stack([torch.randint(0, n, (2, 3), generator=random) for n in (16, 16, 9)], -1)
    volume = torch.full((2, 3, 9, 16, 16), -40.0)
    for person in range(2):
        for joint in range(3):
            x, y, z = cells[person, joint].tolist()
            volume[person, joint, z, y, x] = 40.0
    expected = cells / torch.tensor([15.0, 15.0, 8.0]) - 0.5
    torch.testing.assert_close(network.locate(volume.flatten(1, 2)), expected, atol=1e-5, rtol=0)


def test_joints_of_a_batch_in_the_volume():
    batch, space = make_batch(3, crop=64, skeleton="h36m18"), VolumeSpace(64)
    targets = space.targets(batch, None, 0)
    assert targets.valid.all()
    expected = torch.cat([batch["joints_2d"] / 64 - 0.5, (batch["joints"] - batch["joints"][:, :1])[..., 2:] / 2], -1)
    torch.testing.assert_close(targets.joints, expected)
    batch["joints_2d"][0, 5] = torch.tensor([70.0, 10.0])  # outside of the crop
    batch["joints_valid"][1] = False  # a 2D annotation alone
    batch["root_depth_valid"] = torch.tensor([True, False, True])
    valid = space.targets(batch, None, 0).valid
    assert not valid[0, 5].any()
    assert valid[1].all(0).tolist() == [True, True, False]


def test_joints_without_annotation_come_from_the_fitted_body():
    batch, space = make_batch(3, crop=64, skeleton="h36m18"), VolumeSpace(64)
    from people import open_body

    expected = space.targets(batch, None, 0)
    batch["joints_valid"] = batch["joints_2d_valid"] = torch.zeros(3, 18, dtype=torch.bool)
    batch["joints"], batch["joints_2d"] = torch.zeros(3, 18, 3), torch.zeros(3, 18, 2)
    batch["root_depth_valid"] = torch.zeros(3, dtype=torch.bool)
    found = space.targets(batch, open_body().joint_regressor("h36m18"), 0)
    assert found.valid.all()
    torch.testing.assert_close(found.joints, expected.joints, atol=1e-4, rtol=0)
    batch["vertices_valid"] = torch.tensor([True, False, True])
    assert space.targets(batch, open_body().joint_regressor("h36m18"), 0).valid[:, :, 0].all(1).tolist() == [
        True,
        False,
        True,
    ]


def test_losses_are_sums_over_labelled_cells():
    points, targets = skeletons(2)
    parts = make_parts(H36M18)
    states = states_from_joints(points, torch.ones(2, 18, dtype=torch.bool), parts)
    states = PartStates(states.order, states.valid & (torch.arange(14) != 3))
    drawn = draw(targets, states, parts, CELLS, SIGMA)
    maps = torch.randn(2, 60, CELLS, CELLS, generator=torch.Generator().manual_seed(0))
    hemlets = sum(
        ((maps[b, 3 * k + s] - drawn.parts[b, k, s]) ** 2).sum()
        for b in range(2)
        for k in range(14)
        if k != 3
        for s in range(3)
    )
    heatmaps = sum(((maps[b, 42 + j] - drawn.joints[b, j]) ** 2).sum() for b in range(2) for j in range(18))
    losses = MapLoss(parts)(maps, drawn)
    torch.testing.assert_close(losses["hemlets"], 0.05 * hemlets / 2)
    torch.testing.assert_close(losses["heatmaps"], 0.05 * heatmaps / 2)
    half = JointTargets(targets.joints, targets.valid & torch.tensor([[[True]], [[False]]]))
    assert joint_loss(targets.joints + 0.1, half).item() == pytest.approx(0.1 * 54 / 2, rel=1e-4)


def test_parts_are_pairs_of_joints():
    assert len(DEFAULT_PARTS) == 14
    assert make_parts(H36M18, [["left_knee", "left_ankle"]]).parents == (H36M18.index("left_knee"),)
    with pytest.raises(ValueError, match=r"part \['left_knee', 'left_toe'\] is not a pair of joints of h36m18"):
        make_parts(H36M18, [["left_knee", "left_toe"]])
