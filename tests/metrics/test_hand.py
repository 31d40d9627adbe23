"""FreiHAND's numbers against scipy's Procrustes, trapezoids, a k-d tree and closed forms."""

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import KDTree
from task_samples import feed_hand, hand

from metrics import FreiHand
from metrics.functional import align, curve_area, f_score


def scipy_align(source, target):
    """As the release states it: centred, of unit norm, an orthogonal matrix, scaled back."""
    x, y = source - source.mean(0), target - target.mean(0)
    size, true_size = np.linalg.norm(x), np.linalg.norm(y)
    rotation, scale = orthogonal_procrustes(y / true_size, x / size)
    return x / size @ rotation.T * scale * true_size + target.mean(0)


def scipy_f(prediction, target, threshold):
    precision = np.mean(KDTree(target).query(prediction)[0] < threshold)
    recall = np.mean(KDTree(prediction).query(target)[0] < threshold)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def scipy_area(errors):
    thresholds = np.linspace(0, 0.05, 100)
    curve = [np.mean(errors <= threshold) for threshold in thresholds]
    return trapezoid(curve, thresholds) / 0.05


def expected(samples):
    """All twelve numbers, sample by sample."""
    columns = []
    for joints, true_joints, mesh, true_mesh in samples:
        column = {}
        for names, ours, true in (
            (("mpjpe", "kp_auc", ""), joints, true_joints),
            (("pve", "mesh_auc", "f"), mesh, true_mesh),
        ):
            for prefix, points in (("", ours), ("pa_", scipy_align(ours, true))):
                errors = np.linalg.norm(points - true, axis=1)
                column[prefix + names[0]] = 1000 * errors.mean()
                column[prefix + names[1]] = scipy_area(errors)
                if names[2]:
                    column[prefix + "f5"], column[prefix + "f15"] = (scipy_f(points, true, t) for t in (0.005, 0.015))
        columns.append(column)
    return {name: np.mean([column[name] for column in columns]) for name in columns[0]}


def test_all_numbers_against_scipy():
    metric = FreiHand()
    feed_hand(metric, list(range(12)))
    samples = [[points.numpy() for points in hand(index)] for index in range(12)]
    assert metric.compute() == pytest.approx({**expected(samples), "n": 12}, abs=1e-6)


def test_a_mirrored_hand_scores_zero_after_this_alignment_only():
    true = hand(0)[1][None]
    mirrored = true * torch.tensor([-1.0, 1.0, 1.0])
    assert (align(mirrored, true, reflection=True) - true).abs().max() < 1e-9
    assert (align(mirrored, true) - true).abs().max() > 0.01
    metric = FreiHand()
    metric.update(mirrored, true, torch.tensor([0]))
    report = metric.compute()
    assert report["pa_mpjpe"] == pytest.approx(0, abs=1e-6)
    assert report["mpjpe"] > 10


def test_degenerate_hands():
    true = hand(1)[1][None]
    point = torch.zeros_like(true) + 0.3
    centroid = true.mean(1, keepdim=True).expand_as(true)
    np.testing.assert_allclose(align(point, true, reflection=True), centroid, atol=1e-12)


def test_curve_is_not_strict():
    """At exactly 0 the whole curve counts, at its end half of the last step, beyond it nothing."""
    errors = torch.tensor([[0.0], [50.0], [50.1], [torch.nan], [25.0]], dtype=torch.float64)
    areas = curve_area(errors)
    np.testing.assert_allclose(areas[:4], [1, 0.5 / 99, 0, 0], atol=1e-12)
    assert areas[4] == pytest.approx(0.5, abs=1 / 99)


def test_f_score_is_strict_and_symmetric():
    prediction = torch.tensor([[[0.0, 0, 0], [1, 0, 0]]], dtype=torch.float64)
    target = torch.tensor([[[0.0, 0, 0.005], [2, 0, 0], [3, 0, 0]]], dtype=torch.float64)
    assert f_score(prediction, target, (5.0, 5.001)).tolist() == [[0.0, pytest.approx(2 * 1 / 2 * 1 / 3 / (5 / 6))]]
    np.testing.assert_allclose(f_score(prediction, target), f_score(target, prediction))
    assert f_score(prediction[:0], target[:0]).shape == (0, 2)


def test_a_method_without_a_mesh_has_joint_numbers_only():
    joints, true_joints, mesh, _ = (points[None] for points in hand(2))
    metric = FreiHand()
    metric.update(joints, true_joints, torch.tensor([0]))
    assert set(metric.compute()) == {"mpjpe", "kp_auc", "pa_mpjpe", "pa_kp_auc", "n"}
    with pytest.raises(ValueError, match="both meshes"):
        metric.update(joints, true_joints, torch.tensor([0]), mesh)
