"""Distances, thresholds and segmentation against the authors' numbers and closed forms."""

from pathlib import Path

import numpy as np
import pytest
import torch

from metrics.functional import auc, confusion_matrix, iou, miou, mpjpe, pa_mpjpe, pck3d, pck_hits, point_errors, pve

GOLDEN = Path(__file__).parents[1] / "golden"


def at_distances(*millimetres):
    """One sample whose joints are the given distances from the origin, in turn along x, y and z; and its target."""
    prediction = torch.zeros(1, len(millimetres), 3, dtype=torch.float64)
    for joint, distance in enumerate(millimetres):
        prediction[0, joint, joint % 3] = distance / 1000
    return prediction, torch.zeros_like(prediction)


def test_hemlets_protocols():
    """Root-aligned and Procrustes errors of the HEMlets release, which aligns the truth to the prediction (p2)."""
    golden = np.load(GOLDEN / "metrics_hemlets.npz")
    prediction, target = (torch.from_numpy(golden[key])[:, :17] / 1000 for key in ("pred", "gt"))
    np.testing.assert_allclose(mpjpe(prediction, target, root=0), golden["p1"], atol=1e-6)
    np.testing.assert_allclose(pa_mpjpe(prediction, target), golden["p2_pred_to_gt"], atol=1e-6)
    np.testing.assert_allclose(pa_mpjpe(target, prediction), golden["p2"], atol=1e-6)
    relative = [points - points[:, :1] for points in (prediction, target)]
    np.testing.assert_allclose(point_errors(*relative), golden["per_joint_p1"], atol=1e-6)


def test_mpjpe_by_hand():
    prediction, target = at_distances(0, 30, 60)
    assert mpjpe(prediction, target).item() == pytest.approx(30)
    valid = torch.tensor([[True, False, True]])
    prediction[0, 1] = torch.nan
    assert mpjpe(prediction, target, valid).item() == pytest.approx(30)
    assert mpjpe(prediction, target).isnan().all()
    assert mpjpe(prediction, target, torch.zeros(1, 3, dtype=torch.bool)).isnan().all()


def test_mpjpe_root_alignment_removes_a_shift():
    prediction, target = at_distances(0, 30, 60)
    assert mpjpe(prediction + 4, target, root=0).item() == pytest.approx(30)
    hidden_root = torch.tensor([[False, True, True]])
    assert mpjpe(prediction, target, hidden_root, root=0).isnan().all()


def test_pve_by_hand():
    prediction, target = at_distances(10, 20, 30, 40)
    assert pve(prediction, target).item() == pytest.approx(25)
    root = torch.tensor([[1.0, 2, 3]])
    assert pve(prediction + root, target, root, torch.zeros(1, 3)).item() == pytest.approx(25)
    with pytest.raises(ValueError, match="both roots"):
        pve(prediction, target, root)


def test_pck_is_strict():
    prediction, target = at_distances(149.999, 150, 150.001, 0)
    assert pck3d(prediction, target).item() == 50
    assert pck3d(prediction, target, threshold=0.0).item() == 0
    valid = torch.tensor([[True, True, False, False]])
    assert pck3d(prediction, target, valid).item() == 50
    prediction[0, 0] = torch.nan
    assert pck3d(prediction, target).item() == 25


def test_pck_counts_per_sample():
    prediction, target = at_distances(10, 60, 160)
    hits, count = pck_hits(prediction.expand(2, 3, 3), target.expand(2, 3, 3), thresholds=(50.0, 150.0))
    assert hits.tolist() == [[1, 2], [1, 2]]
    assert count.tolist() == [3, 3]


def test_auc_has_31_thresholds():
    perfect, target = at_distances(0, 0)
    assert auc(perfect, target).item() == pytest.approx(100 * 30 / 31)
    prediction, target = at_distances(52)  # below 55, 60, ..., 150: 20 of 31
    assert auc(prediction, target).item() == pytest.approx(100 * 20 / 31)


def test_auc_is_the_mean_of_pck():
    generator = torch.Generator().manual_seed(0)
    prediction, target = (torch.randn(30, 14, 3, generator=generator) * 0.1 for _ in range(2))
    mean = np.mean([pck3d(prediction, target, threshold=5.0 * step).item() for step in range(31)])
    assert auc(prediction, target).item() == pytest.approx(mean)


def test_confusion_matrix_by_hand():
    target = torch.tensor([[[0, 1], [2, 255]], [[1, 1], [1, 1]]])
    prediction = torch.tensor([[[0, 2], [2, 1]], [[1, 0], [1, 1]]])
    counts = confusion_matrix(prediction, target, 3)
    assert counts[0].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert counts[1].tolist() == [[0, 0, 0], [1, 3, 0], [0, 0, 0]]
    # pooled: class 0: 1 / 2, class 1: 3 / 5, class 2: 1 / 2
    np.testing.assert_allclose(iou(counts.sum(0)), [0.5, 0.6, 0.5])
    assert miou(prediction, target, 3).item() == pytest.approx(100 * 1.6 / 3)
    assert miou(prediction, target, 3, background=False).item() == pytest.approx(55)


def test_absent_classes_are_left_out():
    labels = torch.tensor([[0, 1, 1, 0]])
    assert miou(labels, labels, 7).item() == 100
    assert iou(confusion_matrix(labels, labels, 7))[0].isnan().sum() == 5


def test_labels_are_checked():
    with pytest.raises(ValueError, match="labels must be"):
        confusion_matrix(torch.tensor([[7]]), torch.tensor([[1]]), 7)
    with pytest.raises((ValueError, TypeError), match=r"one shape|Type-check"):
        confusion_matrix(torch.tensor([[1]]), torch.tensor([[1, 1]]), 7)


def test_foreground_accuracy_of_the_danet_release_follows_from_the_counts():
    """Its accuracy and F1 come out of our confusion matrix: rows are the truth, columns the prediction."""
    golden = np.load(GOLDEN / "metrics_danet.npz")
    target, prediction = (torch.from_numpy(golden[key]).long() for key in ("seg_mask_gt", "seg_mask_pred"))
    counts = confusion_matrix(prediction, target, 2).sum(0)
    accuracy = counts.diagonal().sum() / counts.sum()
    f1 = (2 * counts.diagonal() / (counts.sum(0) + counts.sum(1))).mean()
    np.testing.assert_allclose([accuracy, f1], golden["seg_mask_acc_f1"], atol=1e-6)
