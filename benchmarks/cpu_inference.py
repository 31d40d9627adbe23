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
from collections.abc import Callable, Iterator
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


def measure(method: Method, seconds: float) -> dict[str, Any]:
    """The best seconds of every variant and batch; rounds of all variants until the time is over."""
    study, end = STUDIES[method], time.monotonic() + seconds
    cases: dict[str, dict[str, Any]] = {}
    with torch.no_grad():
        for batch in BATCHES:
            images = _images(batch, study.side)
            runs = dict(open_variants(method, images))
            until = time.monotonic() + (end - time.monotonic()) / (2 if batch == BATCHES[0] else 1)
            expected = study.points(runs["published"](images).float())
            for name, run in runs.items():
                before = resident_mib(reset=True)
                change = (study.points(run(images).float()) - expected).norm(dim=-1).max()
                case = {"mm": float(change), "mib": resident_mib() - before, "seconds": np.inf}
                cases[f"{name} {batch}"] = case
            while time.monotonic() < until:
                for name, run in runs.items():
                    started = time.perf_counter()
                    run(images)
                    spent = time.perf_counter() - started
                    cases[f"{name} {batch}"]["seconds"] = min(cases[f"{name} {batch}"]["seconds"], spent)
        with FlopCounterMode(display=False) as counter:
            study.case(False)(_images(1, study.side))
    return {
        "method": method,
        "gflop": counter.get_total_flops() / 1e9,
        "peak_gflops": {name: peak(kind) for name, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16))},
        "cases": cases,
    }


def open_variants(method: Method, images: Tensor) -> Iterator[tuple[str, Run]]:
    """What runs the network, by name; a variant that cannot is left out with a line that says why."""
    study = STUDIES[method]
    yield "published", study.case(True)
    ours = study.case(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    yield "fp32", ours
    yield "bf16", lambda image: _autocast(ours, image)
    makers: dict[str, Callable[[], Run]] = {
        "compiled": lambda: _compiled(folded(study.case(False))),
        "onnx": lambda: _onnx(OUT / f"{method}.onnx"),
        "openvino": lambda: _openvino(OUT / f"{method}.onnx", "f32"),
        "openvino bf16": lambda: _openvino(OUT / f"{method}.onnx", "bf16"),
        "int8 onnx": lambda: _onnx(OUT / f"{method}.int8.onnx"),
        "int8 openvino": lambda: _openvino(OUT / f"{method}.int8.onnx", "f32"),
    }
    for name, make in makers.items():
        try:
            run = make()
            run(images)
        except Exception as error:
            print(f"{method}, {name}: {str(error).splitlines()[0][:120]}")
            continue
        yield name, run


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
    columns = ("ms, batch 1", "times", "ms, batch 8", "times", "MiB, batch 8", "mm", "GFLOP/s", "of the peak")
    table = Table("method", "variant", *columns)
    for report in reports:
        cases = report["cases"]
        for name in VARIANTS:
            one, many = (cases.get(f"{name} {batch}") for batch in BATCHES)
            if one is None or many is None or not np.isfinite(one["seconds"] + many["seconds"]):
                continue
            row = [report["method"], name]
            for batch, case in zip(BATCHES, (one, many), strict=True):
                row += [f"{1000 * case['seconds']:.0f}"]
                row += [f"{cases[f'published {batch}']['seconds'] / case['seconds']:.2f}"]
            speed = report["gflop"] * BATCHES[1] / many["seconds"]
            roof = report["peak_gflops"]["bf16" if "bf16" in name else "fp32"]
            share = "" if "int8" in name else f"{speed / roof:.0%}"
            table.add_row(*row, f"{many['mib']:.0f}", f"{max(one['mm'], many['mm']):.2g}", f"{speed:.0f}", share)
    return table


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


def main() -> None:
    """Prepare, measure or show; without arguments all of it, for all methods."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="?", choices=("all", "prepare", "measure", "table"), default="all")
    parser.add_argument("method", nargs="*", choices=[*get_args(Method), []])
    parser.add_argument("--seconds", type=float, default=150, help="of rounds, for each method")
    options = parser.parse_args()
    for method in options.method or get_args(Method):
        if options.step in ("all", "prepare"):
            prepare(method)
        if options.step in ("all", "measure"):
            with atomic_file(OUT / f"{method}.json") as path:
                path.write_text(json.dumps(measure(method, options.seconds)))
    reports = [json.loads(path.read_text()) for path in sorted(OUT.glob("*.json"))]
    Console(width=140).print(as_table(reports))


if __name__ == "__main__":
    main()
