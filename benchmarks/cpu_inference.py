"""Every way to run a network on a CPU beside its published graph: same weights, one run, speed, memory, change in mm.

    python -m benchmarks.cpu_inference prepare METHOD   # exports and quantises, a minute or more
    python -m benchmarks.cpu_inference measure METHOD   # four minutes; rounds over all variants, the best of each
    python -m benchmarks.cpu_inference table            # of what was measured

Networks have the papers' sizes and random weights whose activations and answers are spread as trained ones are. They
are sharper than trained ones, so half precision and int8 move them further; `zoo export` measures that on trained
weights. The first variant is the published graph as PyTorch runs it. GFLOP/s are beside those of a matrix product.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.cpu_cases import STUDIES, Case, Method
from benchmarks.process import resident_mib
from body.atomic import atomic_file
from lightning_modules.common.compilation import compile_parts
from lightning_modules.common.folding import fold_batch_norms

BATCHES = (1, 8)
OUT = Path("outputs/cpu_inference")
Run = Callable[[Tensor], Tensor]
VARIANTS = ("published", "fp32", "bf16", "compiled", "onnx", "openvino", "openvino bf16", "int8 onnx", "int8 openvino")


def prepare(method: Method) -> None:
    """Write the graph for other runtimes, in fp32 and in int8 (calibrated on the images that are measured)."""
    from zoo.deployment.quantise import quantise

    OUT.mkdir(parents=True, exist_ok=True)
    study, path = STUDIES[method], OUT / f"{method}.onnx"
    case = folded(study.case(False))
    people = torch.export.Dim("batch")
    with torch.no_grad():
        program = torch.export.export(case, (_images(2, study.side),), dynamic_shapes=({0: people},))
        made = torch.onnx.export(program, input_names=["image"], opset_version=18, dynamo=True, verbose=False)
    assert made is not None
    made.save(str(path), external_data=False)
    quantise(path, path.with_suffix(".int8.onnx"), [{"image": _images(2, study.side).numpy()}])


def measure(method: Method, seconds: float, batches: Sequence[int] = BATCHES, names: Sequence[str] = VARIANTS) -> None:
    """Write the best seconds of every variant and batch after each round, until the time is over."""
    study, started = STUDIES[method], time.monotonic()
    report: dict[str, Any] = {"method": method, "threads": torch.get_num_threads(), "cases": {}}
    with torch.no_grad():
        ours = study.case(False)
        with FlopCounterMode(display=False) as counter:
            ours(_images(1, study.side))
        report["gflop"] = counter.get_total_flops() / 1e9
        report["peak_gflops"] = {"fp32": peak(torch.float32), "bf16": peak(torch.bfloat16)}
        variants, expected = open_variants(method, study.case(True), ours, names), dict[int, Tensor]()
        for number, batch in enumerate(batches, start=1):
            images, until = _images(batch, study.side), started + seconds * number / len(batches)
            cases = report["cases"][str(batch)] = {}
            for name, run in list(variants.items()):
                try:
                    before = resident_mib(reset=True)
                    points = study.points(run(images).float())
                    cases[name] = {"mib": resident_mib() - before, "seconds": np.inf}
                except Exception as error:
                    print(f"{method}, {name}: {str(error).splitlines()[0][:120]}")
                    del variants[name]
                    continue
                expected.setdefault(batch, points)  # of the published graph, the first
                cases[name]["mm"] = float((points - expected[batch]).norm(dim=-1).max())
            for repetition in range(1000):
                for name, run in variants.items():
                    begun = time.perf_counter()
                    run(images)
                    cases[name]["seconds"] = min(cases[name]["seconds"], time.perf_counter() - begun)
                _write(report)
                if repetition and time.monotonic() > until:
                    break


def open_variants(method: Method, published: Case, ours: Case, names: Sequence[str] = VARIANTS) -> dict[str, Run]:
    """What runs the network, by name; a variant that cannot be had is left out with a line that says why."""
    half = copy.deepcopy(ours).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    makers: dict[str, Callable[[], Run]] = {
        "published": lambda: published,
        "fp32": lambda: half,
        "bf16": lambda: lambda image: _autocast(half, image),
        "compiled": lambda: _compiled(folded(ours)),
        "onnx": lambda: _onnx(OUT / f"{method}.onnx"),
        "openvino": lambda: _openvino(OUT / f"{method}.onnx", "f32"),
        "openvino bf16": lambda: _openvino(OUT / f"{method}.onnx", "bf16"),
        "int8 onnx": lambda: _onnx(OUT / f"{method}.int8.onnx"),
        "int8 openvino": lambda: _openvino(OUT / f"{method}.int8.onnx", "f32"),
    }
    variants = dict[str, Run]()
    for name, make in makers.items():
        if name not in names:
            continue
        try:
            variants[name] = make()
        except Exception as error:
            print(f"{method}, {name}: {str(error).splitlines()[0][:120]}")
    return variants


def folded(case: Case) -> Case:
    """A copy with batch norms in their convolutions, channels last."""
    made = copy.deepcopy(case)
    fold_batch_norms(made)
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def peak(kind: torch.dtype, side: int = 2048) -> float:
    """GFLOP/s of a large matrix product, the best of five."""
    one, best = torch.rand(side, side, dtype=kind), np.inf
    for _ in range(5):
        started = time.perf_counter()
        one @ one
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best / 1e9


def as_table(reports: list[dict[str, Any]]) -> Table:
    """Rows per method and variant, with what the published graph takes as unit."""
    columns = ("ms, batch 1", "times", "ms, batch 8", "times", "MiB", "mm", "GFLOP/s", "of the peak")
    table = Table("method", "variant", *columns)
    for report in reports:
        several = [report["cases"].get(str(batch), {}) for batch in BATCHES]
        for name in VARIANTS:
            row, found = [report["method"], name], [cases[name] for cases in several if name in cases]
            for cases in several:
                spent = cases.get(name, {}).get("seconds", np.inf)
                row += (
                    [f"{1000 * spent:.0f}", f"{cases['published']['seconds'] / spent:.2f}"]
                    if spent < np.inf
                    else ["", ""]
                )
            if not found:
                continue
            speed = max(
                report["gflop"] * batch / cases[name]["seconds"]
                for batch, cases in zip(BATCHES, several, strict=True)
                if name in cases
            )
            roof = report["peak_gflops"]["bf16" if "bf16" in name else "fp32"]
            share = "" if "int8" in name else f"{speed / roof:.0%}"
            mm = max(case["mm"] for case in found)
            table.add_row(*row, f"{found[-1]['mib']:.0f}", f"{mm:.2g}", f"{speed:.0f}", share)
    return table


def _write(report: dict[str, Any]) -> None:
    with atomic_file(OUT / f"{report['method']}.json") as path:
        path.write_text(json.dumps(report))


def _autocast(case: Case, image: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return case(image)


def _compiled(case: Case) -> Run:
    compile_parts([case])
    return case


def _onnx(path: Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the other variants run beside it
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])


def _openvino(path: Path, precision: str) -> Run:
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda image: torch.from_numpy(compiled({"image": image.numpy()})[0])


def _images(batch: int, side: int) -> Tensor:
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(batch))


def main(arguments: Sequence[str] = ()) -> None:
    """Prepare, measure or show; without arguments all of it, for all methods."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="?", choices=("all", "prepare", "measure", "table"), default="all")
    parser.add_argument("method", nargs="*", choices=[*get_args(Method), []])
    parser.add_argument("--seconds", type=float, default=150, help="of rounds, for each method")
    parser.add_argument(
        "--batch", type=int, nargs="*", choices=BATCHES, default=BATCHES, help="sizes; both when omitted"
    )
    parser.add_argument("--variant", nargs="*", choices=VARIANTS, default=VARIANTS, help="published among them")
    options = parser.parse_args(arguments)
    for method in options.method or get_args(Method):
        if options.step in ("all", "prepare"):
            prepare(method)
        if options.step in ("all", "measure"):
            measure(method, options.seconds, options.batch, options.variant)
    reports = [json.loads(path.read_text()) for path in sorted(OUT.glob("*.json"))]
    Console(width=140).print(as_table(reports))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
