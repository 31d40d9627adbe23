"""Cascaded Dimension-Lifting: the expectation over volumes as written and as computed here, and both widths.

Every voxel's likelihood times its coordinates, as Eq. 7 is written, or one sum per axis: the same numbers. The authors
have published no code to compare with. Every case gets a process of its own.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch
from jaxtyping import Float
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional

from benchmarks.process import in_process, measure
from body.skeleton import H36M18
from lightning_modules.cascaded_lifting.bones import bones_of
from lightning_modules.cascaded_lifting.config import CascadeConfig
from lightning_modules.cascaded_lifting.network import CascadeNet
from lightning_modules.cascaded_lifting.targets import MapSettings, make_targets
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.volumes import JointTargets

CONFIGS = {"full": CascadeConfig(), "thin": CascadeConfig(branch_channels=128, own_upsampling=False)}


def by_grid(volumes: Float[Tensor, "batch joints depth height width"]) -> Float[Tensor, "batch joints 3"]:
    """Eq. 7 as written: the sum over all voxels of likelihood times place."""
    likelihood = functional.softmax(volumes.flatten(2), -1).view_as(volumes)
    lines = (torch.arange(n, dtype=volumes.dtype, device=volumes.device) for n in volumes.shape[2:])
    axes = torch.meshgrid(*lines, indexing="ij")
    return torch.stack([(likelihood * axis).sum((2, 3, 4)) for axis in reversed(axes)], -1)


@torch.no_grad()
def forward(config: CascadeConfig, seconds: float) -> dict[str, Any]:
    """Time and memory of four crops of 256 pixels, from picture to lifted joints."""
    torch.manual_seed(0)
    network, image = CascadeNet(config).eval(), torch.rand(4, 3, 256, 256)
    weights = sum(weight.numel() for weight in network.parameters())
    return measure(lambda: network(image), seconds) | {"weights": weights}


@torch.no_grad()
def expectation(grid: bool, seconds: float) -> dict[str, Any]:
    """Time and memory of the soft-argmax of 18 volumes of 64 x 64 x 64, for four people."""
    volumes = torch.randn(4, 18, 64, 64, 64, generator=torch.Generator().manual_seed(0))
    find = by_grid if grid else soft_argmax_nd
    return measure(lambda: find(volumes), seconds)


def drawing(seconds: float) -> dict[str, Any]:
    """Time and memory of all targets of a batch of 64."""
    joints = torch.rand(64, 18, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    known = JointTargets(joints, torch.ones(64, 18, 3, dtype=torch.bool))
    return measure(lambda: make_targets(known, bones_of(H36M18), MapSettings(64, 64), 4.0), seconds)


@torch.no_grad()
def on_gpu() -> Table:
    """Crops per second in bf16, where there is a CUDA GPU."""
    table, image = Table("GPU, bf16, batch 64", "crops per second"), torch.rand(64, 3, 256, 256, device="cuda")
    for name, config in CONFIGS.items():
        network = CascadeNet(config).cuda().eval()

        def run(network: CascadeNet = network) -> None:
            with torch.autocast("cuda", torch.bfloat16):
                network(image)
            torch.cuda.synchronize()

        table.add_row(f"forward, {name}", f"{64 / measure(run, 3.0)['seconds']:.0f}")
    return table


def main() -> None:
    """Measure all cases and print them."""
    console = Console()
    console.print(f"Cascaded Dimension-Lifting, fp32, CPU, {torch.get_num_threads()} threads")
    table = Table("run", "time", "memory")
    grid, sums = (in_process("benchmarks.cascaded_lifting", grid=grid) for grid in (1, 0))
    cases = {
        "soft-argmax by a grid, 4 people": grid,
        "soft-argmax by axes, 4 people": sums,
        "targets of 64 people": in_process("benchmarks.cascaded_lifting", targets=1),
    }
    for number, name in enumerate(CONFIGS):
        case = in_process("benchmarks.cascaded_lifting", config=number)
        cases[f"forward, {name} ({case['weights'] / 1e6:.1f} M weights), batch 4"] = case
    for name, case in cases.items():
        table.add_row(name, f"{case['seconds']:.3f} s", f"{case['mib']:.0f} MiB")
    volumes = torch.randn(2, 3, 16, 16, 16)
    gap = float((by_grid(volumes) - soft_argmax_nd(volumes)).abs().max())
    console.print(table)
    console.print(f"Memory: peak above what was there before. Largest difference of the two ways: {gap:.1e} cells.")
    if torch.cuda.is_available():
        console.print(on_gpu())


def _one_case() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description="one case, as JSON")
    parser.add_argument("--config", type=int)
    parser.add_argument("--grid", type=int)
    parser.add_argument("--targets", type=int)
    case = parser.parse_args()
    if case.config is not None:
        return forward(list(CONFIGS.values())[case.config], 4.0)
    return drawing(3.0) if case.targets else expectation(bool(case.grid), 3.0)


if __name__ == "__main__":
    print(json.dumps(_one_case()))
