"""Distances and thresholds against the authors' numbers and closed forms."""

from pathlib import Path

import numpy as np
import pytest
import torch

from metrics.functional import auc, mpjpe, pa_mpjpe, pck3d, pck_hits, point_errors, pve

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
