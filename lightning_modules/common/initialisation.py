"""How new layers start."""

from __future__ import annotations

from torch import nn


def init_convolutions(*parts: nn.Module, std: float = 0.001) -> None:
    """Weights of 2D (transposed) convolutions from N(0, std^2), their biases zero, as the releases start their heads.

    Other layers keep PyTorch's default.
    """
    for part in parts:
        for layer in part.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, std=std)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
