"""Networks cut where their stride first reaches 4, so that something can be put in between (as in I2L-MeshNet)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float
from timm.models import FeatureListNet
from timm.models.hrnet import HighResolutionNetFeatures
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.backbones.create import create_backbone, is_transformer
from lightning_modules.common.backbones.features import Backbone
from lightning_modules.common.backbones.movenet import MoveNet
from lightning_modules.common.backbones.pretrained import Pretrained

_CUT = 4
_PROBE = (64, 96)  # not square: its maps say where their channels are
_HRNET_STEM = ("conv1", "bn1", "act1", "conv2", "bn2", "act2")
_REFUSALS = (RuntimeError, AttributeError, TypeError, AssertionError, ValueError, KeyError)


class SplitBackbone(NamedTuple):
    """The two parts of a backbone: `body(stem(image))` are its last features."""

    stem: nn.Sequential
    """Image to a map of stride 4."""
    body: Backbone
    """That map to the last features."""
    channels: int
    """Width of the map."""


def create_split_backbone(
    name: str, pretrained: Pretrained = False, output_stride: int | None = None, last_map: int = -1
) -> SplitBackbone:
    """A backbone cut where its stride first reaches 4; the layers on both sides keep their names.

    For a ResNet the stem ends with the max-pooling and the body starts with the first residual block (the cut of
    I2L-MeshNet, section 3.2). An HRNet is cut after its two strided convolutions, an EfficientNet or MobileNet after
    the stage of stride 4, a ConvNeXt or Swin after its patches of 4 pixels. A plain transformer is cut after the
    embedding of its patches, which are repeated over 4 x 4 cells and averaged again behind the cut.

    Args:
        name: as in `create_backbone`.
        pretrained: as in `create_backbone`.
        output_stride: as in `create_backbone`.
        last_map: which map the body gives, counted from the end; it has no later layers.

    Raises:
        ValueError: as in `create_backbone`, it ends where it is cut, or there is no place where the network can be cut.
    """
    backbone = create_backbone(name, pretrained, maps=(last_map,), output_stride=output_stride)
    try:
        split = _split(backbone)
        with torch.no_grad():
            split.body.eval()(split.stem.eval()(torch.zeros(1, 3, *_PROBE)))
    except _REFUSALS as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f"backbone {name!r} cannot be cut at stride {_CUT} ({reason}); use e.g. resnet50") from error
    if split.body.reductions[-1] <= _CUT:
        raise ValueError(f"backbone {name!r} ends at stride {_CUT}; use one that goes on, e.g. resnet50")
    split.stem.train()
    split.body.train()
    return split


def _split(backbone: Backbone) -> SplitBackbone:
    if backbone.input_size is not None and backbone.input_size.side:
        raise ValueError(f"it reads images of {backbone.input_size.side} pixels only")
    net: Any = backbone.net
    if is_transformer(net):
        return _split_transformer(backbone)
    if isinstance(net, MoveNet):
        stem = net.cut()
        backbone.input_stride = _CUT
        with torch.no_grad():
            width = stem(torch.zeros(1, 3, *_PROBE)).shape[1]
        return SplitBackbone(stem, backbone, width)
    if isinstance(net, HighResolutionNetFeatures):
        layers = OrderedDict((part, getattr(net, part)) for part in _HRNET_STEM)
    elif isinstance(net, FeatureListNet):
        layers = _layers_up_to_the_cut(net)
    elif hasattr(net, "conv_stem"):  # EfficientNet and MobileNet
        layers = OrderedDict((part, getattr(net, part)) for part in ("conv_stem", "bn1", "act1") if hasattr(net, part))
        stage = next(info["stage"] for info in net.feature_info.info if info["reduction"] >= _CUT)
        layers["blocks"] = net.blocks[:stage]
    else:
        raise ValueError("its layers do not run one after the other")
    channels, last = _map_of(layers)
    for part, layer in layers.items():
        if part == "blocks":  # whose numbers stay those of the whole network
            count = len(cast(nn.Sequential, layer))
            net.blocks = nn.Sequential(*(nn.Identity() for _ in range(count)), *net.blocks[count:])
        else:
            setattr(net, part, nn.Identity())
    if last:
        layers["to_channels_first"] = _Permute(0, 3, 1, 2)
        setattr(net, next(iter(layers)), _Permute(0, 2, 3, 1))
    backbone.input_stride = _CUT
    return SplitBackbone(nn.Sequential(layers), backbone, channels)


def _layers_up_to_the_cut(net: nn.ModuleDict) -> OrderedDict[str, nn.Module]:
    """The leading layers, up to the first whose output is four times smaller than the image."""
    features = torch.zeros(1, 3, *_PROBE)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    net.eval()  # a forward in train mode would change the batch-norm statistics
    with torch.no_grad():
        for name, layer in net.items():
            features, layers[name] = layer(features), layer
            if _channels_last(features) is not None:
                return layers
    raise ValueError("no layer ends there")


def _map_of(layers: OrderedDict[str, nn.Module]) -> tuple[int, bool]:
    """Channels of what the layers give for an image, and whether they come last."""
    with torch.no_grad():
        features = nn.Sequential(layers).eval()(torch.zeros(1, 3, *_PROBE))
    last = _channels_last(features)
    if last is None:
        raise ValueError(f"its first layers give {tuple(features.shape)}")
    return features.shape[3 if last else 1], last


def _channels_last(features: Tensor) -> bool | None:
    """Where the channels of a map of the cut's stride are; None for another map."""
    size = tuple(side // _CUT for side in _PROBE)
    if features.ndim == 4 and features.shape[2:] == size:
        return False
    return True if features.ndim == 4 and features.shape[1:3] == size else None


def _split_transformer(backbone: Backbone) -> SplitBackbone:
    model: Any = backbone.net.model
    embed, channels = model.patch_embed, backbone.channels[-1]
    times = backbone.reductions[-1] // _CUT
    named = nn.Sequential(OrderedDict(patch_embed=embed))
    layers: OrderedDict[str, nn.Module] = OrderedDict(model=named, repeat=_RepeatTokens(times))
    if backbone.input_size is not None:
        layers["input_size"] = backbone.input_size
        layers.move_to_end("input_size", last=False)
    model.patch_embed = _AverageTokens(times, embed.grid_size)
    backbone.input_size, backbone.input_stride = None, _CUT
    return SplitBackbone(nn.Sequential(layers), backbone, channels)


class _Permute(nn.Module):
    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, features: Tensor) -> Tensor:
        return features.permute(self.order)


class _RepeatTokens(nn.Module):
    """Embedded patches to a finer map."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, tokens: Float[Tensor, "batch rows columns channels"]) -> Tensor:
        return functional.interpolate(tokens.permute(0, 3, 1, 2), scale_factor=float(self.times), mode="nearest")


class _AverageTokens(nn.Module):
    """Stands for the patch embedding behind the cut: a map to embedded patches."""

    def __init__(self, times: int, grid_size: tuple[int, int]) -> None:
        super().__init__()
        self.times, self.grid_size = times, grid_size

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        return functional.avg_pool2d(features, self.times).permute(0, 2, 3, 1)

    def dynamic_feat_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Patches of a map of this size; timm asks for it."""
        return size[0] // self.times, size[1] // self.times
