"""Heads that several methods share."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.deconvolution import Deconvolution
from lightning_modules.common.heatmaps import soft_argmax


def upsampling(in_channels: int, channels: int, times: int, dims: int = 2) -> nn.Sequential:
    """Deconvolutions that enlarge a map (`dims` 2) or a line (1) twofold each, every one with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for width in (in_channels, *[channels] * times)[:times]:
        if dims == 2:
            layers += [Deconvolution(width, channels), nn.BatchNorm2d(channels)]
        else:
            line = nn.ConvTranspose1d(width, channels, 4, stride=2, padding=1, bias=False)
            layers += [line, nn.BatchNorm1d(channels)]
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def enlarging(in_channels: int, channels: int, times: int) -> nn.Sequential:
    """As `upsampling`; of a map that has its size already a 1x1 convolution, with batch norm and ReLU too."""
    if times:
        return upsampling(in_channels, channels, times)
    conv = nn.Conv2d(in_channels, channels, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def pooled_block(in_channels: int, out_channels: int) -> nn.Sequential:
    """Fully connected layer on globally averaged features, with batch norm and ReLU (f_P and f_M of Eqs. 2 and 6)."""
    return nn.Sequential(nn.Conv1d(in_channels, out_channels, 1), nn.BatchNorm1d(out_channels), nn.ReLU(inplace=True))


def pooled_lines(
    block: nn.Module, features: Float[Tensor, "batch channels height width"], bins: int
) -> Float[Tensor, "batch inner bins"]:
    """Features averaged over the image, through a `pooled_block`, as lines: its channel index = c * bins + bin."""
    return block(features.mean((2, 3)).unsqueeze(-1)).view(features.shape[0], -1, bins)


class LixelHead(nn.Module):
    """Line-pixel (lixel) head: one 1D heat map per point and axis (I2L-MeshNet, Eqs. 1, 2, 5 and 6).

    Deconvolutions enlarge the features, twofold each; averaging over height (width) and a 1x1 convolution give the heat
    maps along x (y). Those along z come from the globally averaged features.

    Args:
        in_channels: width of the features.
        points: number of points N.
        bins: length D of every heat map; the features must be bins / 2^upsamplings wide and high.
        channels: width c' of the up-sampled features.
        upsamplings: number of deconvolutions; three in the paper, whose features have a stride of 32.
    """

    def __init__(self, in_channels: int, points: int, bins: int, channels: int = 256, upsamplings: int = 3) -> None:
        super().__init__()
        self.bins = bins
        self.deconv = upsampling(in_channels, channels, upsamplings)
        # The biases of conv_x, conv_y and conv_z_2 move all bins of a heat map alike, so they change nothing and get no
        # gradient; the published weights have them.
        enlarged = channels if upsamplings else in_channels
        self.conv_x = nn.Conv1d(enlarged, points, 1)
        self.conv_y = nn.Conv1d(enlarged, points, 1)
        self.conv_z_1 = pooled_block(in_channels, channels * bins)
        self.conv_z_2 = nn.Conv1d(channels, points, 1)

    def heatmaps(
        self,
        upsampled: Float[Tensor, "batch inner bins bins"],
        features: Float[Tensor, "batch channels height width"],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (batch, points, bins) along x, y and z, from features and their enlargement by `deconv`."""
        along_x, along_y = self.marginals(upsampled)
        depth = pooled_lines(self.conv_z_1, features, self.bins)
        return self.conv_x(along_x), self.conv_y(along_y), self.conv_z_2(depth)

    def marginals(
        self, upsampled: Float[Tensor, "batch inner bins bins"]
    ) -> tuple[Float[Tensor, "batch inner bins"], Float[Tensor, "batch inner bins"]]:
        """What is left of the enlarged features along x and along y: their averages."""
        return upsampled.mean(2), upsampled.mean(3)

    def locate(
        self,
        upsampled: Float[Tensor, "batch inner bins bins"],
        features: Float[Tensor, "batch channels height width"],
    ) -> Float[Tensor, "batch points 3"]:
        """Coordinates (x, y, z) in bins, 0 to bins - 1."""
        return torch.stack([soft_argmax(logits) for logits in self.heatmaps(upsampled, features)], -1)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates (x, y, z) in bins, from the backbone's features."""
        return self.locate(self.deconv(features), features)
