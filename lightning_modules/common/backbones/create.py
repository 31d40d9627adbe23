"""Backbones by name: which maps of a timm network are taken, and at which strides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from timm.models._features import FeatureGetterNet
from timm.models.hrnet import HighResolutionNetFeatures
from torch import nn

from lightning_modules.common.backbones.build import Built, build
from lightning_modules.common.backbones.dilation import dilate, is_plain
from lightning_modules.common.backbones.features import Backbone, InputSize
from lightning_modules.common.backbones.pretrained import Pretrained
from lightning_modules.common.backbones.registry import find_spec

_PYRAMID = (4, 8, 16, 32)


def create_backbone(
    name: str,
    pretrained: Pretrained = False,
    in_channels: int = 3,
    maps: tuple[int, ...] | None = None,
    output_stride: int | None = None,
) -> Backbone:
    """A backbone by registry name, or any model of timm that has feature maps.

    Strides are powers of two: maps of another stride are resized to the nearest one. A network that reads images of one
    size only gets them resized, and its maps are resized to the image's.

    Args:
        name: a key of `BACKBONES` or a timm model name.
        pretrained: weights to start from: True for timm's (or those that come with the package), a local file, or a
            repository of the Hub.
        in_channels: of the input.
        maps: which of the maps, counted from the end, are wanted: (-1,) for the last one. Layers that none of them
            needs are left out. All of them when omitted; of a plain transformer, whose maps have one stride, the last.
        output_stride: stride of the coarsest map, at most. Strides become dilations where the network allows it, so
            that its weights stay valid; otherwise its maps are enlarged.

    Raises:
        ValueError: there is no such model, it has no feature maps, or its weights cannot be had.
    """
    options: dict[str, Any] = {"in_chans": in_channels}
    if maps is not None:
        options["out_indices"] = maps
    built = build(name, find_spec(name), pretrained, options, output_stride)
    if maps is None and is_transformer(built.net):
        _take(built.net, [len(built.net.feature_info.info) - 1])
    _trim(built.net)
    strides = [2 ** round(math.log2(stride)) for stride in built.net.feature_info.reduction()]
    if output_stride is None:
        return _wrap(built, strides)
    if strides[-1] > output_stride and is_plain(built.net):
        dilate(built.net, output_stride)
        return _wrap(built, [min(stride, output_stride) for stride in strides], dilated=True)
    return _wrap(built, [min(stride, output_stride) for stride in strides])


def create_pyramid(name: str, pretrained: Pretrained = False) -> Backbone:
    """A backbone with four maps of stride 4 or more, from fine to coarse.

    A network's own where there are four. A plain transformer's are the outputs of four of its blocks, evenly spaced,
    resized to strides 4, 8, 16 and 32.

    Args:
        name: as in `create_backbone`.
        pretrained: as in `create_backbone`.

    Raises:
        ValueError: as in `create_backbone`, or the network has too few maps.
    """
    built = build(name, find_spec(name), pretrained, {}, None)
    if is_transformer(built.net):
        depth = len(built.net.feature_info.info)
        _take(built.net, [depth * (step + 1) // 4 - 1 for step in range(4)])
        return _wrap(built, _PYRAMID)
    coarse = [stride for stride in built.net.feature_info.reduction() if stride >= 4]
    if len(coarse) < 4:
        raise ValueError(f"backbone {name!r} has {len(coarse)} feature maps of stride 4 or more, and four are needed")
    _trim(built.net)
    return _wrap(built, coarse[-4:])


def create_pose_hrnet(name: str, pretrained: Pretrained = False) -> Backbone:
    """An HRNet as pose estimation has it: its finest branch alone, of stride 4, without the classification layers.

    Args:
        name: `hrnet_w48`, or another HRNet of timm.
        pretrained: as in `create_backbone`.

    Raises:
        ValueError: timm has no such model, or it is no HRNet.
    """
    built = build(name, find_spec(name), pretrained, {"feature_location": "", "out_indices": (1,)}, None)
    _trim(built.net)
    return _wrap(built, [4])


def is_transformer(net: nn.Module) -> bool:
    """Whether a feature network is a plain transformer: the outputs of all its blocks have the same stride."""
    if not isinstance(net, FeatureGetterNet):
        return False
    return len({info["reduction"] for info in net.feature_info.info}) == 1


def _take(net: Any, blocks: list[int]) -> None:
    """Let a plain transformer return the outputs of these blocks; the last of them is its last."""
    net.out_indices, net.feature_info = blocks, net.feature_info.from_other(tuple(blocks))


def _trim(net: Any) -> None:
    """Leave out layers that no map needs and that timm keeps: later stages, other branches of an HRNet."""
    taken = net.feature_info.get_dicts()
    if hasattr(net, "conv_stem") and isinstance(getattr(net, "blocks", None), nn.Sequential):
        net.blocks = net.blocks[: max(info["stage"] for info in taken)]
    if isinstance(net, HighResolutionNetFeatures):
        branches = [info["index"] - 1 for info in taken if info["index"] > 0]
        last = net.stage4[-1]
        last.fuse_layers = nn.ModuleList(last.fuse_layers[branch] for branch in branches)
        if net.incre_modules is not None:
            net.incre_modules = nn.ModuleList(net.incre_modules[branch] for branch in branches)
        net._out_idx = {0} & net._out_idx | {1 + position for position in range(len(branches))}


def _wrap(built: Built, strides: Sequence[int], dilated: bool = False) -> Backbone:
    """The last maps of a network, at these strides."""
    net, info = built.net, built.net.feature_info
    own, channels = info.reduction()[-len(strides) :], info.channels()[-len(strides) :]
    # patches of 14 pixels, say, lie 16 pixels apart once the image is that much smaller
    scale = own[-1] / 2 ** round(math.log2(own[-1])) if is_transformer(net) else 1.0
    resampled = not dilated and any(mine != scale * wanted for mine, wanted in zip(own, strides, strict=True))
    return Backbone(
        net,
        channels,
        strides,
        channels_last=getattr(net, "output_fmt", None) == "NHWC",
        input_size=InputSize(built.side, scale) if built.side or scale != 1 else None,
        resampled=resampled or built.side is not None,
        mean=built.mean,
        std=built.std,
    )
