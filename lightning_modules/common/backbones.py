"""Image backbones from timm, by the names that the papers use."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

import timm
import torch
from jaxtyping import Float
from timm.models import FeatureListNet
from timm.models.hrnet import HighResolutionNetFeatures
from torch import Tensor, nn

# name -> timm model and its options; any other name is handed to timm as it is
BACKBONES: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": ("resnet18", {}),
    "resnet50": ("resnet50", {}),
    "resnet101": ("resnet101", {}),
    "hrnet_w32": ("hrnet_w32", {}),
    "hrnet_w48": ("hrnet_w48", {}),
    "vgg16": ("vgg16", {}),
    # for the checkpoint that ships with the package: three 3x3 convolutions as the stem, narrow stages, no weights
    # its last stage is dilated: an 8 x 8 map of a 128-pixel crop, as the papers have of a 256-pixel one
    "resnet18_tiny": (
        "resnet18",
        {"stem_type": "deep", "stem_width": 16, "channels": (32, 64, 128, 128), "output_stride": 16},
    ),
}

_STEM_STRIDE = 4
_HRNET_STEM = ("conv1", "bn1", "act1", "conv2", "bn2", "act2")


class Backbone(nn.Module):
    """A network that returns its feature maps, from fine to coarse.

    Attributes:
        net: the timm network (or its part); called with the image.
        channels: width of each returned map.
        reductions: stride of each returned map relative to the image.
    """

    def __init__(self, net: nn.Module, channels: list[int], reductions: list[int]) -> None:
        super().__init__()
        self.net = net
        self.channels = channels
        self.reductions = reductions

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """Feature maps, fine to coarse; a network cut at its stem returns those after the cut."""
        return list(self.net(image))[-len(self.channels) :]


def create_backbone(
    name: str, pretrained: bool = False, in_channels: int = 3, only: tuple[int, ...] | None = None
) -> Backbone:
    """A backbone by registry name, or any timm model that offers `features_only`.

    Args:
        name: a key of `BACKBONES` or a timm model name.
        pretrained: ask timm for ImageNet weights; when they cannot be had this warns and leaves random weights.
        in_channels: of the input.
        only: which of the maps, from fine to coarse, are wanted; layers after the last of them are left out.

    Raises:
        ValueError: timm has no such model, or it has no feature maps.
    """
    net = _create(name, pretrained, in_chans=in_channels, **({} if only is None else {"out_indices": only}))
    return Backbone(net, net.feature_info.channels(), net.feature_info.reduction())


def create_pose_hrnet(name: str, pretrained: bool = False) -> Backbone:
    """An HRNet as pose estimation has it: its finest branch alone, of stride 4, without the classification layers.

    Args:
        name: `hrnet_w48`, or another HRNet of timm.
        pretrained: as in `create_backbone`.

    Raises:
        ValueError: timm has no such model, or it is no HRNet.
    """
    net = _create(name, pretrained, feature_location="", out_indices=(1,))
    net.stage4[-1].fuse_layers = net.stage4[-1].fuse_layers[:1]  # the other branches end here
    return Backbone(net, net.feature_info.channels(), net.feature_info.reduction())


def create_split_backbone(name: str, pretrained: bool = False) -> tuple[nn.Sequential, Backbone]:
    """A backbone cut where its stride first reaches 4, so that `body(stem(image))` are its coarser features.

    For a ResNet the stem ends with the max-pooling and the body starts with the first residual block (the cut of
    I2L-MeshNet, section 3.2); an HRNet is cut after its two strided convolutions.

    Args:
        name: a key of `BACKBONES` or a timm model name.
        pretrained: as in `create_backbone`.

    Returns:
        The stem (image -> a map of stride 4) and the body (that map -> features).

    Raises:
        ValueError: no such model, or its layers do not run one after the other.
    """
    net = _create(name, pretrained)
    if isinstance(net, HighResolutionNetFeatures):
        names = list(_HRNET_STEM)
    elif isinstance(net, FeatureListNet):
        names = _names_up_to_stride(net, _STEM_STRIDE)
    else:
        raise ValueError(f"backbone {name!r} cannot be cut at stride {_STEM_STRIDE}; these can: {', '.join(BACKBONES)}")
    stem = nn.Sequential(OrderedDict((part, getattr(net, part)) for part in names))
    for part in names:  # the body keeps the names of the whole network, with nothing left to do before the cut
        setattr(net, part, nn.Identity())
    taps = [info["module"].replace(".", "_") for info in net.feature_info.get_dicts()]
    reductions = net.feature_info.reduction()
    coarse = [i for i, tap in enumerate(taps) if tap not in names and reductions[i] >= _STEM_STRIDE]
    channels = net.feature_info.channels()
    return stem, Backbone(net, [channels[i] for i in coarse], [reductions[i] for i in coarse])


def _create(name: str, pretrained: bool, **own: Any) -> Any:
    model, options = BACKBONES.get(name, (name, {}))
    if not timm.is_model(model):
        raise ValueError(f"no backbone {name!r}; use one of {', '.join(BACKBONES)}, or a timm model name")
    if pretrained and options:
        warnings.warn(f"there are no ImageNet weights for {name!r}: it starts from random weights", stacklevel=3)
        pretrained = False
    if pretrained:
        try:
            return timm.create_model(model, pretrained=True, features_only=True, **options, **own)
        except Exception as error:  # hub, network and cache errors have no common type
            text = (
                f"ImageNet weights for {name!r} could not be fetched ({type(error).__name__}): random weights instead"
            )
            warnings.warn(text, stacklevel=3)
    try:
        return timm.create_model(model, pretrained=False, features_only=True, **options, **own)
    except (RuntimeError, AttributeError, TypeError, AssertionError) as error:
        raise ValueError(f"timm's {name!r} offers no feature maps; use one of {', '.join(BACKBONES)}") from error


def _names_up_to_stride(net: nn.ModuleDict, stride: int) -> list[str]:
    """Names of the leading layers, up to the first whose output is `stride` times smaller than the image."""
    side = 64
    features = torch.zeros(1, 3, side, side)
    names = []
    net.eval()  # a forward in train mode would change the batch-norm statistics
    with torch.no_grad():
        for name, layer in net.items():
            features = layer(features)
            names.append(name)
            if side // features.shape[-1] >= stride:
                break
    net.train()
    return names
