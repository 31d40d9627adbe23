"""The torchmetrics classes: batches add up, masks drop out, states survive Lightning's habits."""

import numpy as np
import pytest
import torch

from metrics import AUC, MPJPE, PAMPJPE, PCK3D, PVE, MIoU
from metrics import functional as F


def joints(seed, count=23):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 14, 3, generator=generator, dtype=torch.float64) * 0.1


CASES = {
    "mpjpe": (lambda: MPJPE(root=0), lambda p, t: F.mpjpe(p, t, root=0).mean()),
    "pa_mpjpe": (PAMPJPE, lambda p, t: F.pa_mpjpe(p, t).mean()),
    "pa_mpjpe_rigid": (lambda: PAMPJPE(scaling=False), lambda p, t: F.pa_mpjpe(p, t, scaling=False).mean()),
    "pve": (PVE, lambda p, t: F.pve(p, t).mean()),
    "pck3d": (PCK3D, F.pck3d),
    "auc": (AUC, F.auc),
}


@pytest.mark.parametrize("name", CASES)
def test_batches_add_up_to_the_function(name):
    make, function = CASES[name]
    prediction, target = joints(0), joints(1)
    metric = make()
    for part in (slice(0, 10), slice(10, 11), slice(11, 23)):
        metric.update(prediction[part], target[part])
    np.testing.assert_allclose(metric.compute(), function(prediction, target), rtol=1e-12)
    metric.reset()
    assert metric.totals.abs().sum() == 0
    assert not metric.state_dict()


@pytest.mark.parametrize("name", CASES)
def test_samples_without_labels_do_not_count(name):
    make, function = CASES[name]
    prediction, target = joints(2), joints(3)
    valid = torch.ones(23, 14, dtype=torch.bool)
    valid[5:] = False
    target[5:] = torch.nan
    metric = make()
    metric.update(prediction, target, valid)
    np.testing.assert_allclose(metric.compute(), function(prediction[:5], target[:5]), rtol=1e-12)


@pytest.mark.parametrize("name", ["mpjpe", "pa_mpjpe", "pve"])
def test_a_nan_prediction_cannot_hide(name):
    prediction = joints(4)
    prediction[3, 3, 1] = torch.nan
    metric = CASES[name][0]()
    metric.update(prediction, joints(5))
    assert metric.compute().isnan()


def test_an_invalid_root_leaves_the_sample_out():
    prediction, target = joints(6), joints(7)
    valid = torch.ones(23, 14, dtype=torch.bool)
    valid[4:, 0] = False
    metric = MPJPE(root=0)
    metric.update(prediction, target, valid)
    np.testing.assert_allclose(metric.compute(), F.mpjpe(prediction[:4], target[:4], root=0).mean(), rtol=1e-12)


def test_nothing_seen_is_nan():
    for make, _ in CASES.values():
        metric = make()
        metric.update(joints(0)[:0], joints(0)[:0])
        assert metric.compute().isnan()


def test_states_stay_float64_under_half_precision():
    metric = MPJPE().to(torch.bfloat16).half()
    metric.update(joints(0), joints(1))
    assert metric.totals.dtype == torch.float64
    np.testing.assert_allclose(metric.compute(), F.mpjpe(joints(0), joints(1)).mean(), rtol=1e-12)
    assert MIoU(3).to(torch.float16).confusion.dtype == torch.float64


def test_reset_in_inference_mode_does_not_break_training():
    metric = MPJPE()
    with torch.inference_mode():
        metric.reset()
        metric.update(joints(0), joints(1))
    metric.update(joints(0), joints(1))
    np.testing.assert_allclose(metric.compute(), F.mpjpe(joints(0), joints(1)).mean(), rtol=1e-12)


def test_miou_pools_pixels_over_batches():
    generator = torch.Generator().manual_seed(0)
    prediction, target = (torch.randint(0, 5, (12, 8, 9), generator=generator) for _ in range(2))
    target[0, 0] = 255
    for background in (True, False):
        metric = MIoU(5, background=background)
        metric.update(prediction[:5], target[:5])
        metric.update(prediction[5:], target[5:])
        scores = []
        for label in range(0 if background else 1, 5):
            ours, theirs = (prediction == label) & (target != 255), target == label
            scores.append((ours & theirs).sum() / (ours | theirs).sum())
        np.testing.assert_allclose(metric.compute(), 100 * np.mean(scores), rtol=1e-6)
        assert len(metric.per_class()) == 5
