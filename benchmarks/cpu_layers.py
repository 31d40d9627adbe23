"""Where OpenVINO's time goes on a CPU: kinds of layers, and their GFLOP/s beside those of the fastest convolution.

python -m benchmarks.cpu_layers [METHOD ...]     # after `python -m benchmarks.cpu_inference prepare METHOD`
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.cpu_cases import STUDIES, Method
from benchmarks.cpu_inference import OUT, peak

PRODUCTS = ("Convolution", "ConvolutionBackpropData", "GroupConvolution", "FullyConnected", "MatMul")


def conv_peak(channels: int = 256, side: int = 64) -> float:
    """GFLOP/s of a large 3x3 convolution, channels last, the best of five."""
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    image, best = torch.rand(1, channels, side, side).to(memory_format=torch.channels_last), np.inf
    with torch.inference_mode():
        for _ in range(5):
            started = time.perf_counter()
            layer(image)
            best = min(best, time.perf_counter() - started)
    return float(2 * 9 * channels**2 * side**2 / best / 1e9)


def layer_times(method: Method, repetitions: int = 5) -> Counter[str]:
    """Milliseconds of one image, by kind of layer: the run whose sum is least."""
    import openvino

    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.Core().compile_model(str(OUT / f"{method}.onnx"), "CPU", {**settings, "PERF_COUNT": True})
    request, side = compiled.create_infer_request(), STUDIES[method].side
    image, runs = np.random.default_rng(0).random((1, 3, side, side), np.float32), list[Counter[str]]()
    for _ in range(repetitions):
        request.infer({"image": image})
        spent = Counter[str]()
        for layer in request.profiling_info:
            spent[layer.node_type] += layer.real_time.total_seconds() * 1000
        runs.append(spent)
    return min(runs, key=lambda spent: spent.total())


def gflop(method: Method) -> float:
    """Of one image."""
    case, side = STUDIES[method].case(False), STUDIES[method].side
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        case(torch.rand(1, 3, side, side))
    return counter.get_total_flops() / 1e9


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", nargs="*", choices=[*get_args(Method), []])
    table = Table("method", "products, ms", "GFLOP/s", "of the convolution's", "all else, ms", "most of it")
    for method in parser.parse_args(arguments).method or get_args(Method):
        best, spent = conv_peak(), layer_times(method)
        products = sum(spent.pop(kind, 0.0) for kind in PRODUCTS)
        speed, rest = 1000 * gflop(method) / products, spent.total()
        most = ", ".join(f"{kind} {ms:.0f}" for kind, ms in spent.most_common(3))
        table.add_row(
            method, f"{products:.0f}", f"{speed:.0f}", f"{speed / best:.0%} of {best:.0f}", f"{rest:.0f}", most
        )
        Console(width=120).print(f"{method}: matrix product {peak(torch.float32):.0f} GFLOP/s", highlight=False)
    Console(width=120).print(table)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
