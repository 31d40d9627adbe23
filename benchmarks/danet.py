"""DaNet against the same graph as published, with identical weights: seconds and memory of forward passes.

The published graph samples and cleans every joint's maps in a loop, runs the heads one by one, keeps batch norms beside
their convolutions, and builds a map of 24 visible regions per person. Every case gets a process of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.comparison import answer_case, compare, on_gpu
from benchmarks.process import measure
from benchmarks.random_weights import spread_as_trained
from lightning_modules.danet.estimator import JOINTS, Estimate, IuvEstimator
from lightning_modules.danet.iuv import IuvMaps
from lightning_modules.danet.network import DaNet, DaNetOutput
from lightning_modules.danet.pooling import Windows, centres_of, window_matrices

BATCHES = (1, 4)


class PublishedEstimator(nn.Module):
    """`IuvEstimator` with the same weights, written as published: one convolution per head, one window at a time."""

    def __init__(self, estimator: IuvEstimator) -> None:
        super().__init__()
        self.inner = estimator

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> Estimate:
        """Maps of the body and of its joints."""
        inner = self.inner
        features = inner.deconv(inner.backbone(inner.normalise(image))[-1])
        u, v, index = inner.u(features), inner.v(features), inner.index(features)
        heatmaps, coarse = inner.heatmap(features), inner.coarse(features)
        centres = centres_of(heatmaps)
        hidden = self._hidden(index.argmax(1), centres)
        thetas = window_matrices(centres, inner.windows.scales(centres, hidden))
        seen = []
        for joint in range(JOINTS):
            grid = functional.affine_grid(thetas[:, joint], list(features.shape), align_corners=True)
            seen.append(functional.grid_sample(features, grid, align_corners=True))
        assert inner.partial is not None
        partial = IuvMaps.unstacked(inner.partial(torch.cat(seen, 1)).unflatten(1, (JOINTS, 3, -1)))
        return Estimate(features, IuvMaps(u, v, index), coarse, heatmaps, Windows(centres, hidden, thetas), partial)

    def _hidden(self, labels: Int[Tensor, "batch height width"], centres: Float[Tensor, "batch 24 2"]) -> Tensor:
        one_hot = functional.one_hot(labels, 25).movedim(-1, 1).float()
        votes = []
        for joint, parts in enumerate(self.inner.windows.seen):
            shown = one_hot[:, parts].amax(1, keepdim=True)
            votes.append(functional.grid_sample(shown, centres[:, None, joint, None], align_corners=True).flatten())
        return torch.stack(votes, 1) < 0.5


class PublishedCleaning(nn.Module):
    """`PartDrop` in eval mode as published: the arg-max of one joint's maps after the other."""

    def forward(self, iuv: IuvMaps, partial: IuvMaps) -> tuple[IuvMaps, IuvMaps]:
        """Clean maps of the body and of its joints."""
        joints = [self._clean(IuvMaps(*(maps[:, joint] for maps in partial))) for joint in range(JOINTS)]
        return self._clean(iuv), IuvMaps(*(torch.stack(maps, 1) for maps in zip(*joints, strict=True)))

    def _clean(self, maps: IuvMaps) -> IuvMaps:
        one_hot = functional.one_hot(maps.part.argmax(1), maps.part.shape[1]).movedim(-1, 1).to(maps.u.dtype)
        return IuvMaps(maps.u * one_hot, maps.v * one_hot, one_hot)


def make_network(published: bool) -> nn.Module:
    """The released network (HRNet-W48 and graph) with activations and maps spread as trained ones are."""
    torch.manual_seed(0)
    network = DaNet()
    spread_as_trained(network, batch=2, side=224)
    network.eval()
    if published:
        assert isinstance(network.estimator, IuvEstimator)
        network.estimator = PublishedEstimator(network.estimator)  # type: ignore[assignment]
        network.part_drop = PublishedCleaning()  # type: ignore[assignment]
        network.fold = False  # type: ignore[assignment]
    return network


@torch.no_grad()
def difference() -> float:
    """Largest difference between the two graphs' rotation matrices."""
    image = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    ours, published = (make_network(flag)(image).rotations for flag in (False, True))
    return float((ours - published).abs().max())


def forward(published: bool, batch: int, seconds: float) -> dict[str, Any]:
    """Time and memory of a forward pass."""
    network, image = make_network(published), torch.rand(batch, 3, 224, 224)
    with torch.no_grad():
        network(image)  # the weights are folded once, and kept
        return measure(lambda: network(image), seconds)


def throughput() -> Table:
    """On a CUDA GPU."""
    network = make_network(False).cuda().to(memory_format=torch.channels_last)
    image = torch.rand(32, 3, 224, 224, device="cuda")

    def loss() -> Tensor:
        output: DaNetOutput = network(image)
        maps = output.estimate.iuv.stacked()
        return output.rotations.square().mean() + output.camera.square().mean() + maps.square().mean()

    return on_gpu(lambda: network(image), loss, network, len(image))


def main() -> None:
    """Measure all cases and print ratios."""
    console = Console()
    console.print(f"DaNet as released, fp32, CPU, {torch.get_num_threads()} threads; same weights for both graphs")
    table = compare("benchmarks.danet", BATCHES)
    console.print(table)
    console.print(
        f"Memory: peak above the loaded network. Largest difference of a rotation's entry: {difference():.1e}."
    )
    if torch.cuda.is_available():
        console.print(throughput())


if __name__ == "__main__":
    answer_case(forward)
