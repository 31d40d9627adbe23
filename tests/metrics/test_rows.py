"""Metrics with one row per sample: medians, and each index once."""

import numpy as np
import pytest
import torch
from task_samples import TASKS

from metrics import MPJPE, Median
from metrics.functional import median
from metrics.rows import IndexedMetric


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_median_is_numpys(count):
    errors = torch.rand(count, generator=torch.Generator().manual_seed(count), dtype=torch.float64)
    assert median(errors).item() == pytest.approx(np.median(errors), rel=1e-15)


def test_median_of_nothing_and_of_nan():
    assert median(torch.zeros(0, dtype=torch.float64)).isnan()
    assert median(torch.tensor([1.0, torch.nan, 2.0], dtype=torch.float64)).isnan()
    metric = Median(MPJPE())
    assert (metric.info.title, metric.field, metric.columns) == ("median MPJPE mm", "distance_joints", 2)
    metric.update(torch.zeros(3, 2, 3), torch.zeros(3, 2, 3), torch.zeros(3, 2, dtype=torch.bool))
    assert metric.compute().isnan(), "no valid joint anywhere"


def test_median_leaves_out_samples_without_labels():
    prediction = torch.arange(5.0)[:, None, None].expand(5, 2, 3).clone()
    valid = torch.ones(5, 2, dtype=torch.bool)
    valid[0] = False
    prediction[0] = torch.nan
    metric = Median(MPJPE())
    metric.update(prediction, torch.zeros(5, 2, 3), valid)
    assert metric.compute().item() == pytest.approx(2500 * 3**0.5)


class Kept(IndexedMetric):
    def update(self, index, rows, slot=None):
        self.add(torch.tensor(index), torch.tensor(rows, dtype=torch.float64)[:, None], slot)

    def compute(self):
        index, rows = self.samples()
        return index.tolist(), rows[:, 0].tolist()


def test_each_index_once_in_order():
    metric = Kept(1)
    metric.update([5, 2], [50.0, 20.0])
    metric.update([2, 9, 5], [21.0, 90.0, 51.0])
    assert metric.compute() == ([2, 5, 9], [20.0, 50.0, 90.0])
    metric.reset()
    metric.update([1], [1.0])
    assert metric.compute() == ([1], [1.0])


def test_slots_tell_the_rows_of_a_sample_apart():
    metric = Kept(1)
    slots = torch.tensor([1, 0, 0])
    metric.update([7, 7, 3], [71.0, 70.0, 30.0], slots)
    metric.update([7, 7, 3], [0.0, 0.0, 0.0], slots)
    assert metric.compute() == ([3, 7, 7], [30.0, 70.0, 71.0])


@pytest.mark.parametrize("name", TASKS)
def test_batches_order_and_repeats_do_not_matter(name):
    make, feed = TASKS[name]
    values = []
    for batches in ([[0, 1, 2, 3, 4, 5, 6]], [[6, 2], [0, 1, 3], [5, 4, 0], [2]]):
        metric = make()
        for indices in batches:
            feed(metric, indices)
        values.append(metric.compute())
    assert values[0] == values[1]
    assert values[0]["n"] == 7
    assert not metric.state_dict()


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_seen(name):
    assert TASKS[name][0]().compute() == {"n": 0}
