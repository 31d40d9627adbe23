"""I2L-MeshNet against the same graph as published, with identical weights: seconds and memory, forward and training.

The published graph materialises the joints' Gaussian volumes (J x D^3 values per person) and convolves them; ours works
one axis at a time. About a tenth of the volume are subnormal numbers, on which many CPUs are slow (others are not), so
both are measured as PyTorch runs by default and with subnormals flushed to zero. Every case gets a process of its own:
threads keep the mode they started with, and the peak memory of a process never falls.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.process import in_process
from benchmarks.process import measure as measured
from body.load import load_body
from lightning_modules.common.deconvolution import Deconvolution
from lightning_modules.i2l_meshnet.network import I2LMeshNet, Lixels, Pose2Feat

BATCHES = (1, 8)
TRAINING_BATCH = 4


class PublishedPose2Feat(nn.Module):
    """`Pose2Feat` with the same weights, written as published: build the volume, concatenate, convolve."""

    def __init__(self, layer: Pose2Feat) -> None:
        super().__init__()
        self.layer = layer

    def forward(
        self, feature: Float[Tensor, "batch channels bins bins"], joints: Float[Tensor, "batch joints 3"]
    ) -> Float[Tensor, "batch channels bins bins"]:
        """Image feature and joints to MeshNet's input."""
        grid = torch.arange(self.layer.bins, dtype=joints.dtype, device=joints.device)
        z, y, x = torch.meshgrid(grid, grid, grid, indexing="ij")
        centre = joints.detach()[..., None, None, None]
        distance = (x - centre[:, :, 0]) ** 2 + (y - centre[:, :, 1]) ** 2 + (z - centre[:, :, 2]) ** 2
        volume = torch.exp(-distance / (2 * self.layer.sigma**2)).flatten(1, 2)
        return functional.relu(self.layer.norm(self.layer.conv(torch.cat([feature, volume], 1))))


def make_network(published: bool) -> I2LMeshNet:
    """The full-size body network (ResNet-50, 256 pixels) with the same weights for both graphs.

    Batch-norm statistics are calibrated on noise and the last layers sharpened, so that activations have the usual
    scale and the joints spread over the volume.
    """
    torch.manual_seed(0)
    network = I2LMeshNet(load_body("open").joint_regressor("smpl29"))
    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=(2 / (4 * layer.in_channels)) ** 0.5)
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.rand(4, 3, 256, 256))
        heads: tuple[Any, ...] = (network.pose_head, network.mesh_head)
        for head in heads:
            for last in (head.conv_x, head.conv_y, head.conv_z_2):
                last.weight *= 20
    if published:
        network.pose2feat = PublishedPose2Feat(network.pose2feat)  # type: ignore[arg-type, assignment]
        for layer in network.modules():
            if isinstance(layer, Deconvolution):
                layer.__class__ = nn.ConvTranspose2d  # type: ignore[assignment]  # without our short cut
    return network.eval()


def measure(published: bool, batch: int, flush: bool, train: bool, seconds: float) -> dict[str, Any]:
    """Median seconds of a forward pass or training step, peak memory above the loaded network, spread of the joints."""
    torch.set_flush_denormal(flush)
    network = make_network(published)
    image = torch.rand(batch, 3, 256, 256)
    step = _training_step(network, image) if train else lambda: network(image)
    with torch.set_grad_enabled(train):
        found = measured(step, seconds)  # before anything else: memory that was once used stays with the process
        return {**found, "joint_spread_bins": step().joints.std((0, 1)).tolist()}


def _training_step(network: I2LMeshNet, image: Float[Tensor, "batch 3 256 256"]) -> Callable[[], Lixels]:
    """Forward, backward and Adam on an L1 loss of joints and vertices."""
    network.train()
    optimiser = torch.optim.Adam(network.parameters())

    def step() -> Lixels:
        output = network(image)
        optimiser.zero_grad()
        ((output.joints - 32).abs().mean() + (output.vertices - 32).abs().mean()).backward()
        optimiser.step()
        return output

    return step


@torch.no_grad()
def difference() -> float:
    """Largest difference between the two graphs' vertices, in bins."""
    image = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    ours, published = (make_network(flag)(image).vertices for flag in (False, True))
    return float((ours - published).abs().max())


def main() -> None:
    """Measure all cases and print ratios."""
    console = Console()
    console.print(f"I2L-MeshNet, full size, fp32, CPU, {torch.get_num_threads()} threads; same weights for both graphs")
    table = Table("subnormals", "run", "published", "ours", "times faster", "memory published", "memory ours")
    cases = [(flush, batch, False) for flush in (False, True) for batch in BATCHES] + [(True, TRAINING_BATCH, True)]
    published_seconds = []
    for flush, batch, train in cases:
        case = {"batch": batch, "flush": flush, "train": train}
        old, new = (in_process("benchmarks.i2l_meshnet", published=published, **case) for published in (True, False))
        published_seconds.append(old["seconds"])
        table.add_row(
            "flushed" if flush else "as they come",
            f"{'training' if train else 'forward'}, batch {batch}",
            f"{old['seconds']:.3f} s",
            f"{new['seconds']:.3f} s",
            f"{old['seconds'] / new['seconds']:.2f}",
            f"{old['mib']:.0f} MiB",
            f"{new['mib']:.0f} MiB",
        )
        if not train:
            spread = ", ".join(f"{value:.1f}" for value in new["joint_spread_bins"])
    console.print(table)
    slower = published_seconds[0] / published_seconds[len(BATCHES)]
    console.print(f"This CPU takes {slower:.1f} times as long for the published graph when subnormals are not flushed.")
    console.print(f"Memory: peak above the loaded network. Joints spread over (x, y, z) by {spread} bins of 64.")
    console.print(f"Largest difference between the meshes: {difference():.1e} bins (one bin is 4 pixels).")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="one case, as JSON")
    for option in ("--published", "--batch", "--flush", "--train"):
        parser.add_argument(option, type=int, required=True)
    case = parser.parse_args()
    print(json.dumps(measure(bool(case.published), case.batch, bool(case.flush), bool(case.train), seconds=2.0)))
