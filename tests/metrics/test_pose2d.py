"""PCKh and rotation errors against loops, scipy and closed forms."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from metrics import PCKh, QuaternionError
from metrics.functional import pckh, pckh_hits, quaternion_error


def pixels(seed, count=20):
    return torch.randn(count, 14, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 40


def test_pckh_against_a_loop():
    prediction, target = pixels(0), pixels(0) + 0.3 * pixels(1)
    valid = torch.rand(20, 14, generator=torch.Generator().manual_seed(2)) < 0.8
    hits = total = 0
    for ours, true, seen in zip(prediction.numpy(), target.numpy(), valid.numpy(), strict=True):
        if not (seen[13] and seen[12]):
            continue
        head = np.hypot(*(true[13] - true[12]))
        for joint in range(14):
            hits += int(seen[joint] and np.hypot(*(ours[joint] - true[joint])) <= head / 2)
            total += int(seen[joint])
    assert 0 < hits < total
    assert pckh(prediction, target, valid, top=13, neck=12).item() == pytest.approx(100 * hits / total, abs=1e-9)
    metric = PCKh(top=13, neck=12)
    metric.update(prediction[:7], target[:7], valid[:7])
    metric.update(prediction[7:], target[7:], valid[7:])
    assert metric.compute().item() == pytest.approx(100 * hits / total, abs=1e-9)


def test_pckh_is_not_strict_and_pixels_cancel():
    target = torch.tensor([[[0.0, 0], [0, 20], [50, 50], [80, 80]]], dtype=torch.float64)
    prediction = target.clone()
    prediction[0, 2, 0] += 10  # exactly half a head
    prediction[0, 3, 0] += 10.001
    assert pckh(prediction, target, None, 0, 1).item() == 75
    assert pckh(prediction * 3, target * 3, None, 0, 1).item() == 75
    assert pckh(prediction, target, None, 0, 1, threshold=0.1).item() == 50
    prediction[0, 1] = torch.nan
    assert pckh(prediction, target, None, 0, 1).item() == 50


def test_pckh_leaves_out_a_sample_without_a_head():
    target, prediction = pixels(3, 3), pixels(4, 3)
    target[1, 0] = target[1, 1]
    valid = torch.ones(3, 14, dtype=torch.bool)
    valid[2, 1] = False
    _, count = pckh_hits(prediction, target, valid, 0, 1)
    assert count.tolist() == [14, 0, 0]
    assert pckh(prediction[1:], target[1:], valid[1:], 0, 1).isnan()


def rotations(seed, count=50):
    return torch.from_numpy(Rotation.random(count * 4, rng=seed).as_rotvec()).reshape(count, 4, 3)


def test_rotation_error_is_scipys():
    ours, true = rotations(0), rotations(1)
    first, second = (Rotation.from_rotvec(side.reshape(-1, 3).numpy()) for side in (ours, true))
    expected = (first.inv() * second).magnitude().reshape(50, 4)
    np.testing.assert_allclose(quaternion_error(ours, true), expected, atol=1e-9)
    p, q = (torch.from_numpy(side.as_quat()) for side in (first, second))
    formula = torch.arccos((2 * (p * q).sum(-1).square() - 1).clamp(-1, 1))  # as NBF states it
    np.testing.assert_allclose(quaternion_error(ours, true).flatten(), formula, atol=1e-6)
    metric = QuaternionError()
    metric.update(ours, true)
    assert metric.compute().item() == pytest.approx(expected.mean(), abs=1e-9)
    assert metric.info.unit == "rad"


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, 3.1415926, np.pi])
def test_rotation_error_is_exact_at_both_ends(angle):
    turn = torch.tensor([[[0.6, 0.0, 0.8]]], dtype=torch.float64)
    assert quaternion_error(angle * turn, 0 * turn).item() == pytest.approx(angle, rel=1e-9, abs=1e-15)
    assert quaternion_error(2 * np.pi * turn, 0 * turn).item() == pytest.approx(0, abs=1e-9)
