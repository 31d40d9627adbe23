"""A network as published beside ours, each case in a process of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence

import torch
from rich.table import Table
from torch import nn

from benchmarks.process import in_process, measure


def compare(module: str, batches: Sequence[int]) -> Table:
    """Seconds and memory of a forward pass of both, by batch size; `module` answers with `answer_case`."""
    table = Table("run", "published", "ours", "times faster", "memory published", "memory ours")
    for batch in batches:
        old, new = (in_process(module, published=published, batch=batch) for published in (True, False))
        table.add_row(
            f"forward, batch {batch}",
            f"{old['seconds']:.3f} s",
            f"{new['seconds']:.3f} s",
            f"{old['seconds'] / new['seconds']:.2f}",
            f"{old['mib']:.0f} MiB",
            f"{new['mib']:.0f} MiB",
        )
    return table


def on_gpu(predict: Callable[[], object], loss: Callable[[], torch.Tensor], network: nn.Module, batch: int) -> Table:
    """Crops per second of bf16 forward passes and training steps on a CUDA GPU.

    Args:
        predict: a forward pass.
        loss: a forward pass that ends in a number to lower.
        network: what both run.
        batch: crops of a pass.
    """
    optimiser = torch.optim.Adam(network.parameters())

    def forward() -> None:
        network.eval()
        with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
            predict()
        torch.cuda.synchronize()

    def train() -> None:
        network.train()
        with torch.enable_grad(), torch.autocast("cuda", torch.bfloat16):
            value = loss()
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        torch.cuda.synchronize()

    table = Table("GPU, bf16", "batch", "crops per second")
    for name, step in (("forward", forward), ("training step", train)):
        table.add_row(name, str(batch), f"{batch / measure(step, 3.0)['seconds']:.0f}")
    return table


def answer_case(forward: Callable[[bool, int, float], dict[str, float]]) -> None:
    """Measure the case that the command line names (published or not, batch size) and print it as JSON."""
    parser = argparse.ArgumentParser(description="one case, as JSON")
    parser.add_argument("--published", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    case = parser.parse_args()
    print(json.dumps(forward(bool(case.published), case.batch, 4.0)))
