"""Two gloo processes with an uneven number of samples give exactly the one-process numbers."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from metric_samples import PLAIN, make_batch

from metrics import MPJPE, Evaluation

SAMPLES = 7
WORKER = """
import json, sys
import torch
torch.set_num_threads(1)
import torch.distributed as dist
from torch.utils.data import DistributedSampler
sys.path.insert(0, {tests!r})
from metric_samples import PLAIN, make_batch
from metrics import MPJPE, Evaluation

rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method="tcp://127.0.0.1:{port}", rank=rank, world_size=2)
order = list(DistributedSampler(range({samples}), num_replicas=2, rank=rank, shuffle=False))
evaluation, mpjpe = Evaluation(PLAIN), MPJPE()
for start in range(0, len(order), 3):
    evaluation.update(*make_batch(order[start:start + 3]))
for sample in range(rank, {samples}, 2):
    guess, batch = make_batch([sample])
    mpjpe.update(guess.joints, batch["joints"])
print(json.dumps([order, evaluation.compute(), mpjpe.compute().item()]))
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_two_processes_give_the_one_process_numbers():
    tests = Path(__file__).parent
    script = WORKER.format(tests=str(tests), port=free_port(), samples=SAMPLES)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(rank)], stdout=subprocess.PIPE, text=True, cwd=tests.parents[1]
        )
        for rank in range(2)
    ]
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    (first, values, mean), (second, other_values, other_mean) = (json.loads(text.splitlines()[-1]) for text in outputs)
    assert sorted(first + second) == [0, *range(SAMPLES)], "the sampler pads with a repeated sample"

    evaluation, mpjpe = Evaluation(PLAIN), MPJPE()
    evaluation.update(*make_batch(range(SAMPLES)))
    guess, batch = make_batch(range(SAMPLES))
    mpjpe.update(guess.joints, batch["joints"])
    assert values == other_values == evaluation.compute()
    assert mean == other_mean
    assert abs(mean - mpjpe.compute().item()) < 1e-12
