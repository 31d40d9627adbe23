"""Two gloo processes with an uneven number of samples give exactly the one-process numbers."""

import multiprocessing

import pytest
import torch.distributed as dist
from metric_samples import PLAIN, make_batch
from sample_metric_cases import CASES, joints
from task_samples import TASKS
from torch.utils.data import DistributedSampler
from torchmetrics import MetricCollection

from metrics import build_task

SAMPLES = 7


def feed_evaluation(metric, indices):
    metric.update(*make_batch(indices))


INDEXED = {"pose": (lambda: build_task(PLAIN), feed_evaluation), **TASKS}


def collected(order):
    """All sample metrics in one collection, by a call per sample; the first one is exact and says nothing.

    They cannot tell a repeated sample, and see only what the split holds.
    """
    together = MetricCollection({name: make() for name, (make, _) in CASES.items()})
    guess, truth = joints(0, SAMPLES), joints(1, SAMPLES)
    guess[:2] = truth[:2]
    for index in order:
        together(guess[[index]], truth[[index]])
    return {name: value.item() for name, value in together.compute().items()}


def feed_all(metric, indices):
    guess, truth = joints(0, SAMPLES), joints(1, SAMPLES)
    guess[:2] = truth[:2]
    metric.update(guess[indices], truth[indices])


def score(case, order, step):
    make, feed = case
    metric = make()
    for start in range(0, len(order), step):
        feed(metric, order[start : start + step])
    return metric.compute()


def worker(rank, rendezvous, answers):
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    order = list(DistributedSampler(range(SAMPLES), num_replicas=2, rank=rank, shuffle=False))
    own = list(range(rank, SAMPLES, 2))
    found = {name: score(case, order, 3) for name, case in INDEXED.items()}
    found["collection"] = collected(own)
    # The second process has nothing at all.
    alone = [*range(SAMPLES)] if rank == 0 else []
    found |= {f"{name}, one idle": score(case, alone, 3) for name, case in TASKS.items()}
    answers.put((order, found))
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_two_processes_give_the_one_process_numbers(tmp_path):
    context = multiprocessing.get_context("fork")  # a fresh interpreter would spend its time on importing torch
    answers = context.Queue()
    workers = [context.Process(target=worker, args=(rank, tmp_path / "rendezvous", answers)) for rank in range(2)]
    for process in workers:
        process.start()
    (first, values), (second, other_values) = (answers.get(timeout=120) for _ in workers)
    for process in workers:
        process.join(60)
    assert [process.exitcode for process in workers] == [0, 0]
    assert sorted(first + second) == [0, *range(SAMPLES)], "the sampler pads with a repeated sample"

    assert values == other_values
    everything = list(range(SAMPLES))
    for name, case in INDEXED.items():
        assert values[name] == score(case, everything, SAMPLES), name
        assert values[name]["n"] == SAMPLES
    for name in TASKS:
        assert values[f"{name}, one idle"] == values[name], name
    expected = {name: score((make, feed_all), everything, SAMPLES).item() for name, (make, _) in CASES.items()}
    assert values["collection"] == pytest.approx(expected, rel=1e-12)
