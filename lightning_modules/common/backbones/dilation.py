"""Plain convolutional networks with finer last features: strides become dilations."""

from __future__ import annotations

import torch
from torch import nn

_PLAIN = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.Identity)


def is_plain(net: nn.Module) -> bool:
    """Whether a feature network is a chain of convolutions and poolings, such as VGG, which timm cannot dilate."""
    if not isinstance(net, nn.ModuleDict):
        return False
    return all(isinstance(layer, _PLAIN) for layer in net.modules() if not list(layer.children()))


def dilate(net: nn.Module, stride: int) -> None:
    """Make a timm feature network keep to a stride, its later 3x3 kernels dilated accordingly; weights stay valid.

    Args:
        net: whose children run one after the other, as those of a ResNet or VGG.
        stride: of the last features, at most that of the first ones.

    Raises:
        ValueError: the children do not run one after the other.
    """
    if not isinstance(net, nn.ModuleDict):
        raise ValueError("only backbones whose layers run one after the other can be dilated; use a ResNet or vgg16")
    features, reached, dilation = torch.zeros(1, 3, 64, 64), 1, 1
    was_training = net.training
    net.eval()
    with torch.no_grad():
        for layer in net.values():
            shrunk = features.shape[-1] // layer(features).shape[-1]
            further = shrunk if reached * shrunk > stride else 1
            if further * dilation > 1:
                _relax(layer, dilation, further * dilation)
            dilation, reached = dilation * further, reached * shrunk // further
            features = layer(features)
    net.train(was_training)


def _relax(layer: nn.Module, before: int, after: int) -> None:
    """Take the strides out of a layer; 3x3 kernels are dilated by `before` up to the strided one, then by `after`."""
    dilation = before
    for part in layer.modules():
        if isinstance(part, nn.Conv2d):
            if part.kernel_size == (3, 3):
                own = part.dilation[0] * dilation
                part.dilation = part.padding = (own, own)
                dilation = dilation if part.stride == (1, 1) else after
            part.stride = (1, 1)
        elif isinstance(part, nn.MaxPool2d):
            part.kernel_size, part.stride, part.padding = 3, 1, 1  # as in DeepLab
        elif isinstance(part, nn.AvgPool2d):
            part.kernel_size, part.stride, part.padding = 1, 1, 0
