"""All five networks on a GPU in ten minutes: precision, memory layout, compilation, memory, roofline, training steps.

    python -m benchmarks.gpu_inference --out OUT

writes OUT/gpu.json and OUT/gpu.txt, a table, after every case. The networks have the papers' sizes; the published graph
of each is measured in the same run, and compilation, which takes longest, comes last. What ran out of memory is a row
with an error, what ran out of time is not there. fp32 lets matrix products use TF32, as PyTorch's convolutions do. A
roof is the longer of the arithmetic and of the bytes between eager operators, at measured rates; what is compiled may
come above it. On a CPU, to try the script:
`--device cpu --precision fp32 bf16 --tiny --seconds 0.05 --batch 1 2 --steps 2`, and one method without `--tiny`.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import torch
from rich.console import Console
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from benchmarks.cpu_cases import STUDIES, Method
from benchmarks.gpu_tables import as_tables
from benchmarks.roofline import Roof, Work, count_work, measure_roof, median, wait
from body.atomic import atomic_file
from lightning_modules.common.compilation import compile_parts

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_COMPILATION = 120.0
"""Seconds before the end after which none is begun."""


def main() -> None:
    """Measure until the deadline."""
    options = _options()
    device, end = torch.device(options.device), time.monotonic() + options.deadline
    torch.set_float32_matmul_precision("high")
    roofs = {
        name: measure_roof(device, kind, 256 if options.tiny else 8192 if device.type == "cuda" else 2048)
        for name, kind in PRECISIONS.items()
        if name in options.precision
    }
    report: dict[str, Any] = {
        "device": _name(device),
        "torch": torch.__version__,
        "roofs": {name: vars(roof) for name, roof in roofs.items()},
        "cases": [],
        "training": [],
    }
    benches = list[Bench]()

    def record(cases: Iterable[dict[str, Any]]) -> None:
        for case in cases:
            report["training" if "steps" in case else "cases"].append(case)
            _write(report, options.out)

    for number, method in enumerate(options.method):
        until = time.monotonic() + (end - time.monotonic()) / (len(options.method) - number)
        benches.append(Bench(method, options, roofs))
        record(benches[-1].eager(until))
    for batch in options.batch:
        for bench in benches:
            if "bf16" in options.precision and time.monotonic() < end - _COMPILATION:
                record([bench.compiled(batch)])
    Console(width=140).print(*as_tables(report))


class Bench:
    """One method: its networks on the device, and what each batch asks of them.

    Args:
        method: which one.
        options: of the command line.
        roofs: by precision.
    """

    def __init__(self, method: Method, options: argparse.Namespace, roofs: dict[str, Roof]) -> None:
        self.method, self.options, self.roofs, self.device = method, options, roofs, torch.device(options.device)
        ours, self.side = make_network(method, False, options.tiny)
        self.ours, self._compiled = ours.to(self.device), list[nn.Module]()
        self._works = dict[tuple[bool, str, int], Work]()

    def eager(self, until: float) -> Iterator[dict[str, Any]]:
        """One case per variant and batch, then training steps; each as far as the time allows."""
        published = None if self.options.tiny else make_network(self.method, True, False)[0].to(self.device)
        precisions = self.options.precision
        variants = [f"{kind}{layout}" for kind in precisions for layout in ("", " channels-last")]
        for batch in self.options.batch:
            if published is not None and time.monotonic() < until:
                yield self._case(published, "published fp32", batch)
            for variant in variants:
                if time.monotonic() < until:
                    yield self._case(self.ours, variant, batch)
        if time.monotonic() < until:
            yield training_case(self.method, self.ours, self.side, self.options, until)

    def compiled(self, batch: int) -> dict[str, Any]:
        """The case of the compiled network, which does the work of what it was compiled from."""
        if not self._compiled:
            self._compiled.append(copy.deepcopy(self.ours))
            compile_parts(self._compiled)
        return self._case(self._compiled[0], "bf16 channels-last compiled", batch)

    def _case(self, network: nn.Module, variant: str, batch: int) -> dict[str, Any]:
        named = {"method": self.method, "variant": variant, "batch": batch}
        precision = variant.removeprefix("published ").split()[0]
        key = (variant.startswith("published"), precision, batch)
        try:
            image = torch.rand(batch, 3, self.side, self.side, device=self.device)
            known = self._works.get(key)
            found, self._works[key] = forward_case(network, image, variant, self.options.seconds, known)
            return named | found | _rates(self._works[key], batch, found["milliseconds"], self.roofs[precision])
        except Exception as error:  # out of memory, or no kernel for a type: the others are measured all the same
            return named | {"error": type(error).__name__, "says": str(error).partition("\n")[0][:200]}


@torch.no_grad()
def forward_case(
    network: nn.Module, image: Tensor, variant: str, seconds: float, work: Work | None
) -> tuple[dict[str, Any], Work]:
    """Milliseconds of a forward pass and its memory; and its work, which is counted unless it is given."""
    words, device = variant.removeprefix("published ").split(), image.device
    layout = torch.channels_last if "channels-last" in words else torch.contiguous_format
    network, image = network.to(memory_format=layout), image.contiguous(memory_format=layout)  # type: ignore[call-overload]
    kind = PRECISIONS[words[0]]
    with torch.autocast(device.type, kind, enabled=kind != torch.float32):
        started = time.monotonic()
        network(image)
        wait(device)
        first = time.monotonic() - started
        work = work or count_work(lambda: network(image))
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        milliseconds = 1000 * median(lambda: network(image), seconds, device)
        memory = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else None
    return {"milliseconds": milliseconds, "mib": memory, "first_seconds": first}, work


def _rates(work: Work, batch: int, milliseconds: float, roof: Roof) -> dict[str, float]:
    return {
        "crops_per_second": 1000 * batch / milliseconds,
        "gflop_per_crop": work.flops / batch / 1e9,
        "megabytes_per_crop": work.bytes / batch / 1e6,
        "tflops": work.flops / milliseconds / 1e9,
        "of_roof": roof.milliseconds(work) / milliseconds,
    }


def training_case(
    method: Method, network: nn.Module, side: int, options: argparse.Namespace, until: float
) -> dict[str, Any]:
    """Training steps of a copy, or why there are none."""
    named = {"method": method, "steps": 0, "batch": options.train_batch}
    try:
        return named | training_steps(copy.deepcopy(network), side, options.train_batch, options.steps, until)
    except Exception as error:  # the others are measured all the same
        return named | {"error": type(error).__name__, "says": str(error).partition("\n")[0][:200]}


def training_steps(network: nn.Module, side: int, batch: int, steps: int, until: float) -> dict[str, Any]:
    """Steps of Adam in bf16 autocast on noise: whether all was finite, their speed and memory."""
    device = next(network.parameters()).device
    optimiser = torch.optim.Adam([weight for weight in network.parameters() if weight.requires_grad], lr=1e-5)
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    losses = list[float]()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    started = time.monotonic()
    while len(losses) < steps and (not losses or time.monotonic() < until):
        with torch.autocast(device.type, torch.bfloat16):
            answers = network(torch.rand(batch, 3, side, side, device=device))
        terms = [
            leaf.float().square().mean()
            for leaf in tree_leaves(answers)
            if isinstance(leaf, Tensor) and leaf.requires_grad
        ]
        loss = torch.stack(terms).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    spent = time.monotonic() - started
    finite = all(map(math.isfinite, losses)) and all(bool(weight.isfinite().all()) for weight in network.parameters())
    return {
        "steps": len(losses),
        "finite": finite,
        "steps_per_second": len(losses) / spent,
        "mib": torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else None,
    }


def make_network(method: Method, published: bool, tiny: bool) -> tuple[nn.Module, int]:
    """A network in eval mode and the side of its images; the bundled small one with `tiny`."""
    if not tiny:
        return STUDIES[method].make(published).eval(), STUDIES[method].side
    import zoo

    model = zoo.load(f"{method}.open_tiny")
    return model.network, int(getattr(model.network, "input_size", model.crop_size))


def _write(report: dict[str, Any], folder: Path) -> None:
    with atomic_file(folder / "gpu.json") as path:
        path.write_text(json.dumps(report, indent=1, allow_nan=False))
    with atomic_file(folder / "gpu.txt") as path, path.open("w") as file:
        Console(width=140, file=file).print(*as_tables(report))


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("outputs/gpu_inference"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--method", nargs="+", choices=get_args(Method), default=list(get_args(Method)))
    parser.add_argument("--batch", nargs="+", type=int, default=[8, 1, 64, 256])
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS), help="fp32 among them")
    parser.add_argument("--seconds", type=float, default=0.4, help="per case")
    parser.add_argument("--steps", type=int, default=200, help="of training")
    parser.add_argument("--train-batch", type=int, default=8)
    parser.add_argument("--deadline", type=float, default=540, help="seconds for everything; a case may end after it")
    parser.add_argument("--tiny", action="store_true", help="the bundled small networks, without published graphs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    main()
