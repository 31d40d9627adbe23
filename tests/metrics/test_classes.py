"""The torchmetrics classes: batches add up, masks drop out, states survive Lightning's habits."""

import numpy as np
import pytest
import torch
from sample_metric_cases import CASES, joints

from metrics import MPJPE, PartSegmentation
from metrics import functional as F


@pytest.mark.parametrize("name", CASES)
def test_batches_add_up_to_the_function(name):
    make, function = CASES[name]
    prediction, target = joints(0), joints(1)
    metric = make()
    for part in (slice(0, 10), slice(10, 11), slice(11, 23)):
        metric.update(prediction[part], target[part])
    np.testing.assert_allclose(metric.compute(), function(prediction, target), rtol=1e-12)
    assert metric.reduce(metric.terms(prediction, target)) == pytest.approx(metric.compute().item(), rel=1e-12)
    metric.reset()
    metric.update(prediction[:4], target[:4])
    np.testing.assert_allclose(metric.compute(), function(prediction[:4], target[:4]), rtol=1e-12)
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


@pytest.mark.parametrize("name", [name for name in CASES if name != "quaternion_error"])
def test_a_mirrored_pose_is_not_the_pose(name):
    target = joints(8)
    metric = CASES[name][0]()
    metric.update(target * torch.tensor([-1.0, 1.0, 1.0]), target)
    assert metric.compute() < 99 if metric.higher_is_better else metric.compute() > 20


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
    parts = PartSegmentation(3).to(torch.float16)
    parts.update(torch.zeros(1, 2, 2, dtype=torch.int64), torch.zeros(1, 2, 2, dtype=torch.int64), torch.arange(1))
    assert parts.table().dtype == torch.float64


def test_reset_in_inference_mode_does_not_break_training():
    metric = MPJPE()
    with torch.inference_mode():
        metric.reset()
        metric.update(joints(0), joints(1))
    metric.update(joints(0), joints(1))
    np.testing.assert_allclose(metric.compute(), F.mpjpe(joints(0), joints(1)).mean(), rtol=1e-12)
