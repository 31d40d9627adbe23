"""Two gloo processes with an uneven number of samples give exactly the one-process numbers."""

import multiprocessing

import torch.distributed as dist
from metric_samples import PLAIN, make_batch
from torch.utils.data import DistributedSampler

from metrics import MPJPE, Evaluation

SAMPLES = 7


def score(order, step):
    """What an evaluation and a bare metric say about these samples; the metric sees only what the split holds."""
    evaluation = Evaluation(PLAIN)
    for start in range(0, len(order), step):
        evaluation.update(*make_batch(order[start : start + step]))
    return evaluation.compute()


def worker(rank, rendezvous, answers):
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    order = list(DistributedSampler(range(SAMPLES), num_replicas=2, rank=rank, shuffle=False))
    values, mpjpe = score(order, 3), MPJPE()
    for sample in range(rank, SAMPLES, 2):
        guess, batch = make_batch([sample])
        mpjpe.update(guess.joints, batch["joints"])
    answers.put((order, values, mpjpe.compute().item()))
    dist.destroy_process_group()


def test_two_processes_give_the_one_process_numbers(tmp_path):
    context = multiprocessing.get_context("fork")  # a fresh interpreter would spend its time on importing torch
    answers = context.Queue()
    workers = [context.Process(target=worker, args=(rank, tmp_path / "rendezvous", answers)) for rank in range(2)]
    for process in workers:
        process.start()
    (first, values, mean), (second, other_values, other_mean) = (answers.get(timeout=120) for _ in workers)
    for process in workers:
        process.join(60)
    assert [process.exitcode for process in workers] == [0, 0]
    assert sorted(first + second) == [0, *range(SAMPLES)], "the sampler pads with a repeated sample"

    assert values == other_values == score(list(range(SAMPLES)), SAMPLES)
    mpjpe = MPJPE()
    guess, batch = make_batch(range(SAMPLES))
    mpjpe.update(guess.joints, batch["joints"])
    assert mean == other_mean
    assert abs(mean - mpjpe.compute().item()) < 1e-12
