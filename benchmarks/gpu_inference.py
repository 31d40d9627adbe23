"""All five networks on a GPU in ten minutes: precision, memory layout, compilation, memory, roofline, training steps.

    python -m benchmarks.gpu_inference --out OUT

writes OUT/gpu.json after every method, and prints a table. The networks have the papers' sizes; each is measured beside
its published graph where the zoo has one written down. On a CPU, to try the script: `--device cpu --tiny --seconds 0.05
--batch 1 2 --steps 2`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from body.atomic import atomic_file
from lightning_modules.common.compilation import compile_parts

METHODS = ("i2l_meshnet", "hemlets", "danet", "nbf", "cascaded_lifting")
PUBLISHED = METHODS[:3]
"""Methods whose published graph is written down; NBF's and the cascade's differ in no layer of the network."""
VARIANTS = (
    "published fp32",
    "fp32",
    "fp32 channels-last",
    "bf16",
    "bf16 channels-last",
    "fp16 channels-last",
    "compiled",
)
_KINDS = {"bf16": torch.bfloat16, "fp16": torch.float16, "compiled": torch.bfloat16}


def main() -> None:
    """Measure until the deadline; what was not reached is not in the file."""
    options = _options()
    device, end = torch.device(options.device), time.monotonic() + options.deadline
    report: dict[str, Any] = {"device": _name(device), "peak_tflops": {}, "cases": [], "training": []}
    for kind in (torch.float32, torch.bfloat16):
        report["peak_tflops"][str(kind)] = measured_peak(device, kind, 256 if options.tiny else 8192)
    for number, method in enumerate(options.method):
        until = time.monotonic() + (end - time.monotonic()) / (len(options.method) - number)
        for case in measure_method(method, options, device, until):
            report["training" if "steps" in case else "cases"].append(case)
        with atomic_file(options.out / "gpu.json") as path:
            path.write_text(json.dumps(report, indent=1, allow_nan=False))
    Console(width=140).print(as_table(report))


def measure_method(
    method: str, options: argparse.Namespace, device: torch.device, until: float
) -> Iterator[dict[str, Any]]:
    """Training steps, then one case per variant and batch; the larger batches first run out of time or memory."""
    network, side = make_network(method, False, options.tiny)
    yield {"method": method, **training_steps(network.to(device), side, max(options.batch[:2]), options.steps)}
    for batch in options.batch:
        for variant in VARIANTS:
            if time.monotonic() > until:
                return
            if variant.startswith("published") and (options.tiny or method not in PUBLISHED):
                continue
            network, side = make_network(method, variant.startswith("published"), options.tiny)
            try:
                yield {"method": method, "variant": variant, "batch": batch} | forward_case(
                    network.to(device).eval(), torch.rand(batch, 3, side, side, device=device), variant, options.seconds
                )
            except (torch.OutOfMemoryError, NotImplementedError) as error:
                yield {"method": method, "variant": variant, "batch": batch, "error": type(error).__name__}


def forward_case(network: nn.Module, image: Tensor, variant: str, seconds: float) -> dict[str, Any]:
    """Milliseconds of a forward pass, its memory, and what share of its arithmetic the hardware could have done."""
    kind, device = _KINDS.get(variant.split()[0]), image.device
    if "channels-last" in variant:
        network, image = network.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)
    with torch.no_grad(), torch.autocast(device.type, kind, enabled=kind is not None):
        with FlopCounterMode(display=False) as counter:
            network(image)
        if variant == "compiled":
            compile_parts([network])
        started = time.monotonic()
        network(image)
        _wait(device)
        first = time.monotonic() - started
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        milliseconds = 1000 * _median(lambda: network(image), seconds, device)
        memory = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else None
    flops = counter.get_total_flops()
    return {
        "milliseconds": milliseconds,
        "crops_per_second": 1000 * len(image) / milliseconds,
        "gflop_per_crop": flops / len(image) / 1e9,
        "tflops": flops / milliseconds / 1e9,
        "mib": memory,
        "first_seconds": first,
    }


def training_steps(network: nn.Module, side: int, batch: int, steps: int) -> dict[str, Any]:
    """Steps of Adam in bf16 autocast on noise: the last loss, whether all was finite, and their speed."""
    device = next(network.parameters()).device
    optimiser = torch.optim.Adam([weight for weight in network.parameters() if weight.requires_grad], lr=1e-5)
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    losses = list[float]()
    started = time.monotonic()
    for _ in range(steps):
        with torch.autocast(device.type, torch.bfloat16):
            answers = network(torch.rand(max(batch, 2), 3, side, side, device=device))
        terms = [
            leaf.float().square().mean() for leaf in tree_leaves(answers) if leaf is not None and leaf.requires_grad
        ]
        loss = torch.stack(terms).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    finite = all(map(math.isfinite, losses)) and all(bool(weight.isfinite().all()) for weight in network.parameters())
    return {
        "steps": steps,
        "batch": max(batch, 2),
        "finite": finite,
        "steps_per_second": steps / (time.monotonic() - started),
    }


def measured_peak(device: torch.device, kind: torch.dtype, side: int) -> float:
    """TFLOP/s of a large matrix product: the roof."""
    one = torch.rand(side, side, device=device, dtype=kind)
    return 2 * side**3 / _median(lambda: one @ one, 0.5, device) / 1e12


def make_network(method: str, published: bool, tiny: bool) -> tuple[nn.Module, int]:
    """A network and the side of its images; the bundled small one with `tiny`."""
    import benchmarks.danet
    import benchmarks.hemlets
    import benchmarks.i2l_meshnet
    import benchmarks.nbf
    import zoo
    from lightning_modules.cascaded_lifting.network import CascadeNet

    if tiny:
        model = zoo.load(method)
        return model.network, int(getattr(model.network, "input_size", model.crop_size))
    makers: dict[str, Callable[[], tuple[nn.Module, int]]] = {
        "i2l_meshnet": lambda: (benchmarks.i2l_meshnet.make_network(published), 256),
        "hemlets": lambda: (benchmarks.hemlets.make_network(published), 256),
        "danet": lambda: (benchmarks.danet.make_network(published), 224),
        "nbf": lambda: (benchmarks.nbf.make_network(), 224),
        "cascaded_lifting": lambda: (CascadeNet(), 256),
    }
    return makers[method]()


def as_table(report: dict[str, Any]) -> Table:
    """The cases as rows, with their share of the measured roof."""
    table = Table("method", "variant", "batch", "ms", "crops/s", "MiB", "TFLOP/s", "of the roof")
    for case in report["cases"]:
        if "error" in case:
            table.add_row(case["method"], case["variant"], str(case["batch"]), case["error"])
            continue
        half = case["variant"].split()[0] in _KINDS
        roof = report["peak_tflops"][str(torch.bfloat16 if half else torch.float32)]
        memory = "" if case["mib"] is None else f"{case['mib']:.0f}"
        numbers = (f"{case['milliseconds']:.2f}", f"{case['crops_per_second']:.0f}", memory, f"{case['tflops']:.2f}")
        table.add_row(case["method"], case["variant"], str(case["batch"]), *numbers, f"{case['tflops'] / roof:.0%}")
    return table


def _median(step: Callable[[], object], seconds: float, device: torch.device) -> float:
    step()
    times = list[float]()
    while len(times) < 3 or sum(times) < seconds:
        _wait(device)
        started = time.perf_counter()
        step()
        _wait(device)
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("outputs/gpu_inference"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--method", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--batch", nargs="+", type=int, default=[8, 1, 64, 256])
    parser.add_argument("--seconds", type=float, default=0.4, help="per case")
    parser.add_argument("--steps", type=int, default=200, help="of training")
    parser.add_argument("--deadline", type=float, default=570, help="seconds for everything")
    parser.add_argument("--tiny", action="store_true", help="the bundled small networks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
