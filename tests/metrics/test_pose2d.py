"""PCKh and rotation errors against loops, scipy and closed forms."""

import numpy as np
import pytest
import torch
from metric_samples import Guess
from scipy.spatial.transform import Rotation

from body.skeleton import LSP14, SMPL24, get_skeleton
from metrics import PCK, BoxError, PCKh, QuaternionError, WithinBox, build_task, get_protocol
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


def test_pckh_counts_the_first_joints_and_still_measures_the_head():
    target = torch.tensor([[[0.0, 0], [9, 9], [0, 20], [0, 0]]], dtype=torch.float64)
    prediction = target + torch.tensor([[[11.0, 0], [9, 0], [500, 0], [500, 0]]], dtype=torch.float64)
    metric = PCKh(top=2, neck=3, counted=2)
    metric.update(prediction, target)
    assert metric.compute().item() == 50


def limb_metrics():
    protocol = get_protocol("lsp-test-2d")
    return {metric.name: metric.for_protocol(protocol) for metric in (PCK, PCKh, WithinBox, BoxError)}


def test_lengths_of_the_person_against_a_loop():
    protocol = get_protocol("lsp-test-2d")
    names = list(protocol.pixel_joints)
    assert names[12:] == ["head_top", "neck_lsp"]
    prediction, target = pixels(5), pixels(5) + 0.4 * pixels(6)
    valid = torch.rand(20, 14, generator=torch.Generator().manual_seed(7)) < 0.9
    hits, totals = dict.fromkeys(("pck", "pckh", "within_box"), 0), dict.fromkeys(("pck", "pckh", "within_box"), 0)
    means = []
    for ours, true, seen in zip(prediction.numpy(), target.numpy(), valid.numpy(), strict=True):
        at = dict(zip(names, true, strict=True))
        marked = dict(zip(names, seen, strict=True))
        middle = (at["left_shoulder"] + at["right_shoulder"] - at["left_hip_lsp"] - at["right_hip_lsp"]) / 2
        limits = {"within_box": 0.1 * np.ptp(true[:12][seen[:12]], axis=0).max()}
        if all(marked[joint] for joint in ("left_shoulder", "right_shoulder", "left_hip_lsp", "right_hip_lsp")):
            limits["pck"] = 0.2 * np.hypot(*middle)
        if marked["head_top"] and marked["neck_lsp"]:
            limits["pckh"] = 0.5 * np.hypot(*(at["head_top"] - at["neck_lsp"]))
        errors = np.hypot(*(ours - true)[:12].T)
        for name, limit in limits.items():
            hits[name] += int((errors[seen[:12]] <= limit).sum())
            totals[name] += int(seen[:12].sum())
        means.append(100 * errors[seen[:12]].mean() / (10 * limits["within_box"]))
    for name, metric in limb_metrics().items():
        metric.update(prediction[:9], target[:9], valid[:9])
        metric.update(prediction[9:], target[9:], valid[9:])
        expected = np.mean(means) if name == "box_error" else 100 * hits[name] / totals[name]
        assert metric.compute().item() == pytest.approx(expected, abs=1e-9), name
        assert 0 < expected < 100


def test_people_without_a_measure_do_not_count():
    target, prediction = pixels(8, 2), pixels(9, 2)
    nothing = torch.zeros(2, 14, dtype=torch.bool)
    for metric in limb_metrics().values():
        assert metric.terms(prediction, target, nothing).abs().sum() == 0
        assert metric.terms(target, target, None)[:, -1].gt(0).all()
    target[:, :12] = 5.0  # all in one point: no box, no torso
    metrics = limb_metrics()
    for name in ("pck", "within_box", "box_error"):
        assert metrics[name].terms(prediction, target, None).abs().sum() == 0


@pytest.mark.parametrize(
    ("source", "hip"), [("smpl29", "right_hip"), ("h36m17", "right_hip_h36m"), ("muco21", "right_hip_mpi")]
)
def test_every_methods_own_hip_is_taken(source, hip):
    skeleton, protocol = get_skeleton(source), get_protocol("lsp-test-2d")
    assert protocol.aliases_of(skeleton)["right_hip_lsp"] == hip
    batch = {
        "joints_2d": pixels(1, 3).float(),
        "joints_2d_valid": torch.ones(3, 14, dtype=torch.bool),
        "joints": torch.zeros(3, 14, 3),
        "joints_valid": torch.zeros(3, 14, dtype=torch.bool),
        "crop_affine": torch.tensor([[[2.0, 0, 5], [0, 2, -7]]]).expand(3, 2, 3),
        "index": torch.arange(3),
    }
    full = (batch["joints_2d"] - torch.tensor([5.0, -7])) / 2
    position = [LSP14.index(j.replace(hip.removeprefix("right_hip"), "") + "_lsp") if "hip" in j else LSP14.index(j)
                if j in LSP14.joints else 0 for j in skeleton.joints]  # fmt: skip
    prediction = Guess(torch.zeros(3, len(skeleton), 3), skeleton, None, full[:, position])
    task = build_task(protocol)
    task.update(prediction, batch)
    result = task.compute()
    assert result["pck"] == result["pckh"] == result["within_box"] == 100
    assert result["box_error"] == pytest.approx(0, abs=1e-4)
    with pytest.raises(ValueError, match="lacks"):
        build_task("lsp-test-2d-14j").update(Guess(torch.zeros(3, 24, 3), SMPL24, None, torch.zeros(3, 24, 2)), batch)


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
