"""DensePose's scores against quadrature, loops and closed forms."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from task_samples import feed_surface, surface

from metrics import DensePosePoints, PartSegmentation, SurfaceMaps
from metrics.functional import coco_precision, geodesic_errors, gps, precision_recall, surface_areas

# Metres, by part from 1 to 24, as the challenge lists them by the coarse part.
KAPPA = {0.351: (1, 2), 0.107: (3, 4), 0.126: (5, 6), 0.237: range(7, 11), 0.173: range(11, 15)}
KAPPA |= {0.142: range(15, 19), 0.128: range(19, 23), 0.150: (23, 24)}


def kappa_of(part):
    return next(kappa for kappa, parts in KAPPA.items() if part in parts)


def similarity(errors, valid, parts=None):
    values = []
    for error, seen, part in zip(errors, valid, parts if parts is not None else [None] * len(errors), strict=True):
        kappa = 0.255 if part is None else kappa_of(int(part))
        if seen:
            values.append(np.exp(-(float(error) ** 2) / (2 * kappa**2)))
    return np.mean(values)


def test_auc_is_the_integral_of_the_curve():
    metric = DensePosePoints()
    feed_surface(metric, list(range(3)))
    report = metric.compute()
    errors = np.concatenate([surface(k)[0][surface(k)[1]].numpy() for k in range(3)])
    for name, end in (("auc10", 0.1), ("auc30", 0.3)):
        steps = np.sort(errors[errors < end])
        area = quad(lambda t: np.mean(errors < t), 0, end, points=steps, limit=500)[0] / end
        assert report[name] == pytest.approx(100 * area, abs=1e-6)
    assert report["n"] == 3


def test_areas_by_hand():
    errors = torch.tensor([0.0, 0.05, 0.1, 0.2, torch.inf, torch.nan])
    np.testing.assert_allclose(surface_areas(errors)[:, 0], [1, 0.5, 0, 0, 0, 0], atol=1e-7)
    np.testing.assert_allclose(surface_areas(errors)[:, 1], [1, 5 / 6, 2 / 3, 1 / 3, 0, 0], atol=1e-7)


def test_gps_against_a_loop():
    for index in range(6):
        errors, valid, parts, _ = surface(index)
        assert gps(errors[None], valid[None]).item() == pytest.approx(similarity(errors, valid), abs=1e-12)
        with_parts = gps(errors[None], valid[None], parts[None]).item()
        assert with_parts == pytest.approx(similarity(errors, valid, parts), abs=1e-12)
    assert gps(torch.full((1, 2), 0.255), torch.ones(1, 2, dtype=torch.bool)).item() == pytest.approx(np.exp(-0.5))
    assert gps(torch.zeros(1, 2), torch.zeros(1, 2, dtype=torch.bool)).isnan()
    with pytest.raises(ValueError, match="parts must be"):
        gps(torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.bool), torch.tensor([[0, 3]]))


def test_gps_ap_is_the_mean_over_levels():
    """Errors chosen so that GPS is about the index's decile; AP at each level by its own definition."""
    count = 20
    target = torch.linspace(0.42, 0.98, count, dtype=torch.float64)
    errors = (0.255 * (-2 * target.log()).sqrt())[:, None].expand(count, 4).clone()
    scores = torch.rand(count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    metric = DensePosePoints()
    metric.update(errors, torch.ones(count, 4, dtype=torch.bool), torch.arange(count), scores)
    levels = np.arange(0.5, 0.96, 0.05)
    expected = [coco_precision(*precision_recall(scores, target >= level, count)).item() for level in levels]
    assert metric.compute()["gps_ap"] == pytest.approx(100 * np.mean(expected), abs=1e-9)


def test_people_without_points_are_left_out():
    errors, valid, parts, _ = surface(0)
    metric = DensePosePoints(per_part=True)
    metric.update(errors[None], valid[None], torch.tensor([0]), parts=parts[None])
    alone = metric.compute()
    metric.update(errors[None], torch.zeros_like(valid[None]), torch.tensor([1]), parts=parts[None])
    assert metric.compute() == alone
    with pytest.raises(ValueError, match="per_part"):
        metric.update(errors[None], valid[None], torch.tensor([2]))


def test_geodesic_lookup():
    distances = torch.tensor([[0.0, 0.2, 0.5], [0.2, 0.0, 0.4], [0.5, 0.4, 0.0]])
    found = geodesic_errors(torch.tensor([0, 1, -1]), torch.tensor([2, 1, 0]), distances)
    assert found.tolist() == [0.5, 0.0, torch.inf]


def test_maps_are_points_where_someone_is_and_parts_everywhere():
    generator = torch.Generator().manual_seed(3)
    true, guess = torch.randint(0, 25, (2, 4, 6, 6), generator=generator)
    errors, index = torch.rand(4, 6, 6, generator=generator) * 0.4, torch.arange(4)
    both, points, parts = SurfaceMaps(), DensePosePoints(), PartSegmentation(25)
    both.update(errors, guess, true, index)
    points.update(errors.flatten(1), true.flatten(1) > 0, index)
    parts.update(guess, true, index)
    areas = {name: points.compute()[name] for name in ("auc10", "auc30")}
    assert both.compute() == areas | {"miou": parts.compute()["miou"], "n": 4}
    both.reset()
    both.update(errors[:1] * 0, true[:1], true[:1], index[:1])
    assert both.compute() == pytest.approx({"auc10": 100, "auc30": 100, "miou": 100, "n": 1})
