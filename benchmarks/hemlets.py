"""HEMlets against the same graph as published, with identical weights; and two ways to find a person's distance.

The published graph runs a 3x3 and a 1x1 convolution one after the other with nothing in between, and multiplies every
voxel with a grid of coordinates. Ours folds the two convolutions and the batch norm into one, and takes expectations
from marginals. Every case gets a process of its own.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from jaxtyping import Float
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.comparison import answer_case, compare, on_gpu
from benchmarks.process import measure
from benchmarks.random_weights import spread_as_trained
from body.skeleton import H36M18
from lightning_modules.common.bone_depth import BONES, make_bones, root_depth_by_grid, root_depth_from_bones
from lightning_modules.common.deconvolution import Deconvolution
from lightning_modules.hemlets.network import HemletsNet, HemletsOutput

BATCHES = (1, 4)
PEOPLE = 2000


class PublishedHemlets(nn.Module):
    """`HemletsNet` with the same weights, written as published."""

    def __init__(self, network: HemletsNet) -> None:
        super().__init__()
        self.network = network
        for layer in network.modules():
            if isinstance(layer, Deconvolution):
                layer.__class__ = nn.ConvTranspose2d  # type: ignore[assignment]  # without our short cut

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> HemletsOutput:
        """Joints of crops, by a coordinate grid over all voxels."""
        network = self.network
        features = network.backbone(network.normalise(image))[-1]
        maps = network.maps(network.map_branch(features))
        mixed = network.fusion.as_published(network.feature_branch(features), network.encoder(maps))
        volumes = network.volume(mixed).unflatten(1, (network.count, network.depth_bins))
        likelihood = functional.softmax(volumes.flatten(2), -1).view_as(volumes)
        depth, height, width = (torch.arange(n, device=volumes.device) / (n - 1) for n in volumes.shape[2:])
        joints = torch.stack(
            [
                (likelihood * width).sum((2, 3, 4)),
                (likelihood * height[:, None]).sum((2, 3, 4)),
                (likelihood * depth[:, None, None]).sum((2, 3, 4)),
            ],
            -1,
        )
        return HemletsOutput(joints - 0.5, maps, None)


def make_network(published: bool) -> nn.Module:
    """The released network (49.6 million parameters, 256 pixels), its activations and joints spread as trained ones."""
    torch.manual_seed(0)
    network = HemletsNet()
    spread_as_trained(network, batch=4, side=256)
    return (PublishedHemlets(network) if published else network).eval()


@torch.no_grad()
def difference() -> float:
    """Largest difference between the two graphs' joints, as a share of the crop."""
    image = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    ours, published = (make_network(flag)(image).joints for flag in (False, True))
    return float((ours - published).abs().max())


def forward(published: bool, batch: int, seconds: float) -> dict[str, Any]:
    """Time and memory of a forward pass."""
    network, image = make_network(published), torch.rand(batch, 3, 256, 256)
    with torch.no_grad():
        network(torch.rand(1, 3, 64, 64))  # the weights are folded once, and kept
        return measure(lambda: network(image), seconds)


def random_people() -> tuple[Tensor, Tensor, Tensor]:
    """People with Human3.6M's bone lengths 2.5 to 8 m away: rays with noise of a pixel, depths, root depths."""
    random = torch.Generator().manual_seed(0)
    joints = torch.zeros(PEOPLE, len(H36M18), 3, dtype=torch.float64)
    for child, parent, length in BONES:
        way = torch.randn(PEOPLE, 3, generator=random, dtype=torch.float64)
        way = way / way.norm(dim=1, keepdim=True) * length
        joints[:, H36M18.index(child)] = joints[:, H36M18.index(parent)] + way
    distance = 2.5 + 5.5 * torch.rand(PEOPLE, generator=random, dtype=torch.float64)
    depth = joints[..., 2].clone()
    joints[..., 2] += distance[:, None]
    noise = torch.randn(PEOPLE, len(H36M18), 2, generator=random, dtype=torch.float64) / 1150
    return joints[..., :2] / joints[..., 2:] + noise, depth, distance


def recovery() -> Table:
    """Error and speed of both ways to find the distance."""
    rays, depth, distance = random_people()
    table = Table("distance from bone lengths", "mean error", "largest error", f"{PEOPLE} people")
    for name, find in (("released grid", root_depth_by_grid), ("closed form and Gauss-Newton", root_depth_from_bones)):
        start = time.perf_counter()
        error = 1000 * (find(rays, depth, make_bones(H36M18)) - distance).abs()
        spent = 1000 * (time.perf_counter() - start)
        table.add_row(name, f"{error.mean():.1f} mm", f"{error.max():.1f} mm", f"{spent:.0f} ms")
    return table


def throughput() -> Table:
    """On a CUDA GPU."""
    network = make_network(False).cuda().to(memory_format=torch.channels_last)
    image = torch.rand(64, 3, 256, 256, device="cuda")

    def loss() -> Tensor:
        output: HemletsOutput = network(image)
        return output.joints.abs().mean() + output.maps.square().mean()

    return on_gpu(lambda: network(image), loss, network, len(image))


def main() -> None:
    """Measure all cases and print ratios."""
    console = Console()
    console.print(f"HEMlets as released, fp32, CPU, {torch.get_num_threads()} threads; same weights for both graphs")
    table = compare("benchmarks.hemlets", BATCHES)
    console.print(table, recovery(), sep="\n")
    console.print(
        f"Memory: peak above the loaded network. Largest difference of a joint: {difference():.1e} crop sides."
    )
    if torch.cuda.is_available():
        console.print(throughput())


if __name__ == "__main__":
    answer_case(forward)
