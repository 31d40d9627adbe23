"""The deconvolution of all heads, with a short cut for few pixels and many channels."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Deconvolution(nn.ConvTranspose2d):
    """Transposed convolution that enlarges a map twofold: kernel 4, stride 2, padding 1, no bias.

    A CPU rearranges the kernels at every call, which on one person's last features (2,048 channels of 8 x 8 pixels)
    costs more than the convolution. There the same sum is one matrix product and a scatter of its overlapping 4 x 4
    patches.

    Args:
        in_channels: width of the map.
        channels: width of the enlarged map.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(in_channels, channels, 4, stride=2, padding=1, bias=False)

    def forward(  # type: ignore[override]
        self, features: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch wider 2*height 2*width"]:
        """The map at twice the size."""
        batch, channels, height, width = features.shape
        # measured: the product wins below about an eighth of a pixel per channel; an exported graph takes any batch
        on_cpu = features.device.type == "cpu" and not torch.compiler.is_compiling()
        if on_cpu and not self.training and 8 * batch * height * width <= channels:
            patches = self.weight.flatten(1).T @ features.flatten(2)
            return functional.fold(patches, (2 * height, 2 * width), 4, padding=1, stride=2)
        return super().forward(features)
