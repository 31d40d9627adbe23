"""Networks that segment a photograph into body parts: RefineNet, and the DeepLab variants it was compared with.

All take RGB in [0, 1] and return logits of the parts and the background (label 0), at a coarser resolution than the
image; `enlarge` brings them back to its size.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.backbones import Pretrained, create_backbone, create_pyramid
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.precision import full_precision
from lightning_modules.nbf.backbone_parts import BackboneParts
from lightning_modules.nbf.coding import nearest_places
from lightning_modules.nbf.config import NBFConfig
from lightning_modules.nbf.resnet import RELEASED, ReleasedResNet

_CAFFE_MEAN = (122.67892, 116.66877, 104.00699)
_RATES = (6, 12, 18, 24)
"""Dilations of DeepLab's parallel convolutions."""


class ResidualUnit(nn.Module):
    """2 x + f(x), f two 3x3 convolutions after a ReLU each: as released, a residual unit whose input is added twice."""

    def __init__(self, channels: int, norm: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(channels, channels, norm), _conv(channels, channels, norm)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """The unit."""
        return 2 * features + self.conv2(functional.relu(self.conv1(functional.relu(features))))


class ChainedPooling(nn.Module):
    """The ReLU of its input plus a chain of four 3x3 convolutions, each pooled over 5x5 pixels."""

    def __init__(self, channels: int, norm: bool = False) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_conv(channels, channels, norm) for _ in range(4))

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """The sum of the chain."""
        link = total = functional.relu(features)
        for conv in self.convs:
            link = _largest_around(conv(link))
            total = total + link
        return total


class RefineModule(nn.Module):
    """One step of the decoder: a backbone's features, and those of the step below, enlarged.

    Args:
        in_channels: width of the backbone's features.
        channels: width of the result.
        deeper_channels: width of what comes from the step below; 0 for the deepest one.
        norm: batch norm after every convolution.
    """

    def __init__(self, in_channels: int, channels: int, deeper_channels: int, norm: bool) -> None:
        super().__init__()
        self.channels = channels
        self.enter = _conv(in_channels, channels, norm)
        self.units = nn.Sequential(ResidualUnit(channels, norm), ResidualUnit(channels, norm))
        self.own = _conv(channels, channels, norm) if deeper_channels else None
        self.deeper = _conv(deeper_channels, channels, norm) if deeper_channels else None
        self.pooling = ChainedPooling(channels, norm)
        self.leave = ResidualUnit(channels, norm)

    def forward(
        self, features: Float[Tensor, "batch in height width"], deeper: Tensor | None
    ) -> Float[Tensor, "batch channels height width"]:
        """Refined features at the resolution of `features`."""
        refined = self.units(self.enter(features))
        if self.own is not None and self.deeper is not None and deeper is not None:
            refined = self.own(refined) + enlarge(self.deeper(deeper), refined.shape[-1])
        return self.leave(self.pooling(refined))


class RefineNet(nn.Module):
    """RefineNet (Lin et al., CVPR 2017) as NBF's release built it: no normalisation in the decoder.

    On the release's own backbone the logits end with a ReLU, as they do there, by an oversight or not.

    Args:
        backbone: `resnet101v1`, the release's, or a name in `lightning_modules.common.backbones`.
        classes: parts and background.
        channels: width of the decoder; its deepest step has twice as much.
        pretrained: weights that a registry backbone starts from; see `create_backbone`.
        norm: batch norm after the decoder's convolutions, for trainings without ImageNet weights.

    Raises:
        ValueError: no such backbone, or one with fewer than four feature maps of stride 4 or more.
    """

    def __init__(
        self, backbone: str, classes: int, channels: int = 256, pretrained: Pretrained = False, norm: bool = False
    ) -> None:
        super().__init__()
        if backbone in RELEASED:
            self.normalise = Normalise([value / 255 for value in _CAFFE_MEAN], [1 / 255] * 3)
            self.backbone: nn.Module = ReleasedResNet(backbone)
            widths = self.backbone.channels
        else:
            self.backbone = net = create_pyramid(backbone, pretrained)
            self.normalise = Normalise(net.mean, net.std)
            widths = net.channels
        modules = list[RefineModule]()
        for width in reversed(widths):
            own, deeper = (channels, modules[-1].channels) if modules else (2 * channels, 0)
            modules.append(RefineModule(width, own, deeper, norm))
        self.decoder = nn.ModuleList(modules)
        self.logits = _conv(channels, classes)
        self.rectified = backbone in RELEASED

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes rows columns"]:
        """RGB in [0, 1] to logits at the resolution of the backbone's first block (a quarter of the image)."""
        features = self.backbone(self.normalise(image))
        refined = None
        for step, own in zip(self.decoder, reversed(features), strict=True):
            refined = step(own, refined)
        logits = self.logits(refined)
        return functional.relu(logits) if self.rectified else logits


class DeepLab(nn.Module):
    """DeepLab v2 (Chen et al. 2016): a dilated backbone of stride 8, and parallel dilated classifiers that are summed.

    Args:
        backbone: name in `lightning_modules.common.backbones`, such as `vgg16` or `resnet101`.
        classes: parts and background.
        pretrained: weights that it starts from; see `create_backbone`.

    Raises:
        ValueError: no such backbone, or its weights cannot be had.
    """

    def __init__(self, backbone: str, classes: int, pretrained: Pretrained = False) -> None:
        super().__init__()
        self.backbone = create_backbone(backbone, pretrained, maps=(-1,), output_stride=8)
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        width = self.backbone.channels[-1]
        self.classifiers = nn.ModuleList(nn.Conv2d(width, classes, 3, padding=r, dilation=r) for r in _RATES)
        init_convolutions(self.classifiers, std=0.01)

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes rows columns"]:
        """RGB in [0, 1] to logits at an eighth of the image's resolution."""
        features = self.backbone(self.normalise(image))[-1]
        return torch.stack([classifier(features) for classifier in self.classifiers]).sum(0)


def make_segmenter(config: NBFConfig, pretrained: Pretrained = False) -> RefineNet | DeepLab | BackboneParts | None:
    """The segmenter of a configuration, if it has one.

    Raises:
        ValueError: it cannot be built on its backbone.
    """
    backbone, labels = config.segmenter_backbone, config.parts + 1
    if config.segmenter == "none":
        return None
    if config.segmenter == "backbone":
        return BackboneParts(backbone, config.parts, pretrained)
    if config.segmenter == "deeplab":
        return DeepLab(backbone, labels, pretrained)
    return RefineNet(backbone, labels, config.segmenter_channels, pretrained, config.segmenter_norm)


def most_probable(
    logits: Float[Tensor, "batch labels rows columns"], size: int, shown: int | None = None
) -> Int[Tensor, "batch shown shown"]:
    """The label of every pixel of the photograph, from logits that are coarser.

    Args:
        logits: of the segmenter.
        size: side of the photograph.
        shown: side of a picture of the labels that takes the nearest pixel; only these pixels are then decided.
    """
    with full_precision(logits):
        places = nearest_places(size, size if shown is None else shown)
        return _interpolate(logits.float(), size, places).argmax(1)


def enlarge(features: Float[Tensor, "batch channels rows columns"], size: int) -> Tensor:
    """TensorFlow 1's bilinear resize to a square of `size`: pixel i is read at i * (old / new), without half pixels."""
    return features if features.shape[-1] == size else _interpolate(features, size, torch.arange(size))


def _interpolate(
    features: Float[Tensor, "batch channels rows columns"], size: int, places: Int[Tensor, " places"]
) -> Float[Tensor, "batch channels places places"]:
    """Some rows, and the same columns, of the enlarged map: a product with two weights per place on either side."""
    old = features.shape[-1]
    place = places.double() * (old / size)
    low = place.floor().long().clamp(max=old - 1)
    share = place - low
    matrix = torch.zeros(len(places), old, dtype=torch.float64)
    rows = torch.arange(len(places))
    matrix[rows, low] += 1 - share
    matrix[rows, (low + 1).clamp(max=old - 1)] += share
    weights = matrix.to(features)
    return weights @ features @ weights.T


def _largest_around(features: Float[Tensor, "batch channels rows columns"]) -> Tensor:
    """Largest value of 5 x 5 pixels: of columns, then of rows, with 10 comparisons instead of 25."""
    columns = functional.max_pool2d(features, (5, 1), stride=1, padding=(2, 0))
    return functional.max_pool2d(columns, (1, 5), stride=1, padding=(0, 2))


def _conv(in_channels: int, out_channels: int, norm: bool = False) -> nn.Module:
    """3x3 convolution, started as in the release; or one with batch norm in place of its bias."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=not norm)
    if norm:
        return nn.Sequential(conv, nn.BatchNorm2d(out_channels))
    init_convolutions(conv, std=0.005)
    return conv
