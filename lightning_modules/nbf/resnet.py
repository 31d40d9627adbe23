"""The ResNets of NBF's TensorFlow release, whose strides and padding no registry backbone has."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Layout(NamedTuple):
    """How one of the release's ResNets is put together."""

    version: int
    """1: convolution, norm, ReLU. 2: pre-activation, with biases where no norm follows."""
    units: tuple[int, int, int, int]
    strides: tuple[int, int, int, int]
    """Of the blocks. Version 1 takes the stride in the first 1x1 of a block, version 2 in its last 3x3."""


RELEASED: dict[str, Layout] = {
    "resnet50v1": Layout(1, (3, 4, 6, 3), (2, 2, 2, 1)),
    "resnet50v2": Layout(2, (3, 4, 6, 3), (2, 2, 2, 1)),
    "resnet101v1": Layout(1, (3, 4, 23, 3), (1, 2, 2, 2)),
}
"""The two fitting encoders and the backbone of the RefineNet, by the names used here."""

_WIDTHS = (64, 128, 256, 512)


class ReleasedResNet(nn.Module):
    """A bottleneck ResNet with the release's geometry; returns the output of every block.

    For 224 pixels the fitting encoders' blocks see 28, 14, 7 and 7 pixels (version 1; block 1 of version 2 starts at
    56). A 512-pixel image leaves the segmenter's blocks at 128, 64, 32 and 16.

    Args:
        name: a key of `RELEASED`.

    Attributes:
        channels: width of each block's output.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        version, units, strides = RELEASED[name]
        self.version = version
        self.channels = [4 * width for width in _WIDTHS]
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=version == 2)
        if version == 1:
            self.bn1 = _norm(64)
        unit = UnitV1 if version == 1 else UnitV2
        width_in = 64
        for number, (width, count, stride) in enumerate(zip(_WIDTHS, units, strides, strict=True), start=1):
            strided = 0 if version == 1 else count - 1
            layers = [
                unit(width_in if i == 0 else 4 * width, width, stride if i == strided else 1) for i in range(count)
            ]
            self.add_module(f"block{number}", nn.Sequential(*layers))
            width_in = 4 * width
        if version == 2:
            self.postnorm = _norm(width_in)

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """Features of the four blocks, fine to coarse; those of version 2 end with the network's last norm and ReLU."""
        features = self.conv1(image)
        if self.version == 1:
            features = functional.max_pool2d(functional.relu(self.bn1(features)), 2)
        else:
            features = functional.max_pool2d(_same(features, 3, 2), 3, 2)
        outputs = []
        for number in range(1, 5):
            features = self.get_submodule(f"block{number}")(features)
            outputs.append(features)
        if self.version == 2:
            outputs[-1] = functional.relu(self.postnorm(outputs[-1]))
        return outputs


class UnitV1(nn.Module):
    """Bottleneck with the stride in its first 1x1 convolution and in its shortcut."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(in_channels, width, 1, stride, bias=False), _norm(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), _norm(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), _norm(out)
        self.shortcut = nn.Conv2d(in_channels, out, 1, stride, bias=False) if in_channels != out else None
        self.shortcut_bn = _norm(out) if in_channels != out else None

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Residual unit."""
        short = features
        if self.shortcut is not None and self.shortcut_bn is not None:
            short = self.shortcut_bn(self.shortcut(features))
        hidden = functional.relu(self.bn1(self.conv1(features)))
        hidden = functional.relu(self.bn2(self.conv2(hidden)))
        return functional.relu(short + self.bn3(self.conv3(hidden)))


class UnitV2(nn.Module):
    """Pre-activation bottleneck with the stride in its 3x3 convolution; an identity shortcut skips pixels."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.stride = stride
        self.preact = _norm(in_channels)
        self.conv1, self.bn1 = nn.Conv2d(in_channels, width, 1, bias=False), _norm(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False), _norm(width)
        self.conv3 = nn.Conv2d(width, out, 1)
        self.shortcut = nn.Conv2d(in_channels, out, 1, stride) if in_channels != out else None

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Residual unit."""
        active = functional.relu(self.preact(features))
        short = features[..., :: self.stride, :: self.stride] if self.shortcut is None else self.shortcut(active)
        hidden = functional.relu(self.bn1(self.conv1(active)))
        hidden = functional.relu(self.bn2(self.conv2(hidden)))
        return short + self.conv3(hidden)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, momentum=0.003)  # TensorFlow's decay of 0.997


def _same(features: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's SAME padding for a maximum: as little as gives ceil(size / stride), the odd pixel at the end."""
    padding = list[int]()
    for size in reversed(features.shape[-2:]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        padding += [total // 2, total - total // 2]
    return functional.pad(features, padding, value=-torch.inf)
