"""Random weights that let a network's activations keep the usual size."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def spread_as_trained(network: nn.Module, batch: int, side: int) -> None:
    """Weights of convolutions by their fan-in, statistics of batch norms from random images; leaves train mode on."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=(2 / layer.weight[0].numel()) ** 0.5)
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum = 1.0
    network.train()(torch.rand(batch, 3, side, side))
