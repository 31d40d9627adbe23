"""The five networks at the papers' sizes, published and ours, with the same weights and answers in millimetres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

import benchmarks.danet
import benchmarks.hemlets
import benchmarks.i2l_meshnet
import benchmarks.nbf
from benchmarks.cascaded_lifting import by_grid
from benchmarks.random_weights import spread_as_trained
from body.load import load_body
from lightning_modules.cascaded_lifting.network import CascadeNet

Method = Literal["i2l_meshnet", "hemlets", "danet", "nbf", "cascaded_lifting"]
METRES = 2.0
"""Side and depth of the volume that a crop shows; what a bin or a share of the crop is in millimetres follows."""


class Case(nn.Module):
    """A network that gives one tensor.

    Args:
        network: what is measured.
        answer: the tensor in the network's output.
    """

    def __init__(self, network: nn.Module, answer: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.network, self._answer = network, answer

    def forward(self, image: Tensor) -> Tensor:
        """Crops to what the points are made of."""
        return self._answer(self.network(image))


class WholeNBF(nn.Module):
    """Photograph, parts, body, in one call."""

    def __init__(self) -> None:
        super().__init__()
        self.network = benchmarks.nbf.make_network()

    def forward(self, image: Tensor) -> Tensor:
        """Photographs to vertices, metres."""
        return benchmarks.nbf.whole(self.network, image)


class PublishedCascade(nn.Module):
    """`CascadeNet` with Eq. 7 as written: every voxel's likelihood times its place."""

    def __init__(self, network: CascadeNet) -> None:
        super().__init__()
        self.network, self._volumes = network, list[Tensor]()
        network.volume_head.register_forward_hook(lambda *given: self._volumes.append(given[2]))

    def forward(self, image: Tensor) -> Tensor:
        """Crops to joints in cells and bins."""
        self.network.cascade(image)
        volumes = self._volumes.pop()
        return by_grid(torch.unflatten(volumes, 1, (self.network.count, self.network.config.bins)))


@dataclass(frozen=True)
class Study:
    """How a method is measured.

    Attributes:
        make: the network, published or ours.
        answer: the tensor in its output that points are made of.
        points: that tensor as points in millimetres.
        side: of the images, pixels.
    """

    make: Callable[[bool], nn.Module]
    answer: Callable[[Any], Tensor]
    points: Callable[[Tensor], Tensor]
    side: int

    def case(self, published: bool) -> Case:
        """The network, in eval mode."""
        return Case(self.make(published), self.answer).eval()


def _same(value: Tensor) -> Tensor:
    return value


def _body_of(answer: Tensor) -> Tensor:
    body = load_body("open")
    return 1000 * body.forward_rotmat(answer[:, 10:].reshape(-1, 24, 3, 3), answer[:, :10]).vertices


def _cascade(published: bool) -> nn.Module:
    torch.manual_seed(0)
    network = CascadeNet()
    spread_as_trained(network, batch=2, side=256)
    return PublishedCascade(network) if published else network


STUDIES: dict[Method, Study] = {
    "i2l_meshnet": Study(
        benchmarks.i2l_meshnet.make_network, lambda output: output.vertices, lambda bins: bins * 1000 * METRES / 64, 256
    ),
    "hemlets": Study(
        benchmarks.hemlets.make_network, lambda output: output.joints, lambda share: share * 1000 * METRES, 256
    ),
    "danet": Study(
        benchmarks.danet.make_network,
        lambda output: torch.cat([output.betas, output.rotations.flatten(1)], 1),
        _body_of,
        224,
    ),
    "nbf": Study(
        lambda published: benchmarks.nbf.Straightforward(benchmarks.nbf.make_network()) if published else WholeNBF(),
        _same,
        lambda metres: 1000 * metres,
        benchmarks.nbf.SIZE,
    ),
    "cascaded_lifting": Study(
        _cascade,
        lambda output: output if isinstance(output, Tensor) else output.joints,
        lambda bins: bins * 1000 * METRES / 64,
        256,
    ),
}
