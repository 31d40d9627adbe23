"""Backbones by the names that the papers use, and the zoo's own; any other name is timm's."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timm

from body.choices import unknown_name
from lightning_modules.common.backbones.movenet import MoveNet
from lightning_modules.common.backbones.movenet_people import PeopleMoveNet

# beside the checkpoints, whose listing states its sha256; a path, since networks do not know the package `zoo`
SHIPPED = Path(__file__).parents[3] / "zoo" / "checkpoints" / "weights" / "backbones"

GROUP = "human_mesh_zoo.backbones"
"""Entry points of this group name a module that registers networks with timm, or one such network."""


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone of the registry.

    Attributes:
        model: timm's name, with the tag of the weights that `pretrained: true` means.
        options: that timm builds it with. A network that is built in another way has no weights of timm's.
        shipped: `pretrained: true` means the weights that come with this package, as `<name>.safetensors`.
        make: a network of the zoo's own instead of timm's: called with `options`, `out_indices`, `in_chans` and, if
            asked for and known to it, `output_stride`; has `feature_info`, `load` and `cut` as `movenet.MoveNet`.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    shipped: bool = False
    make: Callable[..., MoveNet] | None = None


BACKBONES: dict[str, BackboneSpec] = {
    "resnet18": BackboneSpec("resnet18.tv_in1k"),
    "resnet50": BackboneSpec("resnet50.tv_in1k"),
    "resnet101": BackboneSpec("resnet101.tv_in1k"),
    "hrnet_w32": BackboneSpec("hrnet_w32.ms_in1k"),
    "hrnet_w48": BackboneSpec("hrnet_w48.ms_in1k"),
    "vgg16": BackboneSpec("vgg16.tv_in1k"),
    # of the `open_tiny` checkpoints: three 3 x 3 convolutions as the stem, narrow stages, no weights; its last stage is
    # dilated: an 8 x 8 map of a 128-pixel crop, as the papers have of a 256-pixel one
    "resnet18_tiny": BackboneSpec(
        "resnet18", {"stem_type": "deep", "stem_width": 16, "channels": (32, 64, 128, 128), "output_stride": 16}
    ),
    # trained further on rendered people, from ImageNet
    "people_lite0": BackboneSpec("tf_efficientnet_lite0.in1k", shipped=True),
    "people_lite2": BackboneSpec("tf_efficientnet_lite2.in1k", shipped=True),
    # Google's, trained on photographs of people; and with a second pyramid that was trained on rendered ones
    "movenet_lightning": BackboneSpec("movenet", make=MoveNet),
    "movenet_thunder": BackboneSpec("movenet", {"width": 1.75}, make=MoveNet),
    "people_movenet": BackboneSpec("movenet", shipped=True, make=PeopleMoveNet),
}


def has_weights(name: str) -> bool:
    """Whether `pretrained: true` means something for a backbone: its network is one that weights were trained for."""
    spec = find_spec(name)
    return spec.shipped or (spec.make is None and not spec.options)


def find_spec(name: str) -> BackboneSpec:
    """The registry's entry, or one for a model of timm.

    Raises:
        ValueError: neither knows the name.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if not timm.is_model(name):
        _register_installed()
    if not timm.is_model(name):
        raise ValueError(f"{unknown_name('backbone', name, BACKBONES)} (or a timm model name)")
    return BackboneSpec(name)


def _register_installed() -> None:
    """Import what installed packages register with timm."""
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # a stranger's package must not take this one down
            warnings.warn(f"backbones of {point.value} cannot be loaded: {error!r}", stacklevel=3)
