"""Two gloo processes with an uneven number of samples give exactly the one-process numbers."""

import multiprocessing

import pytest
import torch.distributed as dist
from metric_samples import PLAIN, make_batch
from task_samples import MEDIAN, TASKS
from torch.utils.data import DistributedSampler

from metrics import MPJPE, build_task

SAMPLES = 7


def feed_evaluation(metric, indices):
    metric.update(*make_batch(indices))


def feed_bare(metric, indices):
    guess, batch = make_batch(indices)
    metric.update(guess.joints, batch["joints"])


INDEXED = {"pose": (lambda: build_task(PLAIN), feed_evaluation), **TASKS}
# These cannot tell a repeated sample; they see only what the split holds.
BARE = {"mpjpe": (MPJPE, feed_bare), "median": MEDIAN}


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
    found |= {name: score(case, own, 2).item() for name, case in BARE.items()}
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
    assert values["median"] == score(MEDIAN, everything, SAMPLES).item()
    assert values["mpjpe"] == pytest.approx(score(BARE["mpjpe"], everything, SAMPLES).item(), abs=1e-12)
