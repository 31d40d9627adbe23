"""What the settings of all networks and losses have in common."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from body.choices import check_choices, check_types


@dataclass(frozen=True)
class Config:
    """Settings that cannot change, which are checked when they are made.

    Raises:
        TypeError: a setting is of another type than it should be.
        ValueError: a setting is none of its choices, or not finite.
    """

    def __post_init__(self) -> None:
        check_types(type(self), plain_scalars(vars(self)))
        check_choices(type(self), vars(self))
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is {value}; give a finite number")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(Config):
    """What every network says about itself.

    Attributes:
        crop_size: side of the input crop in pixels, a multiple of 32. Batches have crops of this size.
        crop_margin: crops are so many times as large as the longer side of a person's box, in training, tests and
            predictions alike.

    Raises:
        ValueError: the crop size is no multiple of 32, the margin is not from 1 to 3, or a setting is none of its
            choices.
    """

    crop_size: int = 256
    crop_margin: float = 1.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop_size > 2048:
            raise ValueError(f"crop_size {self.crop_size} is too large; crops have at most 2048 pixels a side")
        if self.crop_size < 1 or self.crop_size % 32:
            near = max(32, 32 * round(self.crop_size / 32))
            raise ValueError(f"crop_size {self.crop_size} is not a multiple of 32; use e.g. {near}")
        if not 1 <= self.crop_margin <= 3:
            raise ValueError(f"crop_margin {self.crop_margin} makes crops of that many boxes; give one from 1 to 3")


@dataclass(frozen=True, kw_only=True)
class BackboneConfig(NetworkConfig):
    """Of a network with one backbone, whose last features are enlarged to a quarter of the crop.

    Attributes:
        backbone: name in `lightning_modules.common.backbones`, or of a timm model with feature maps.
        output_stride: of the backbone's last map, at most; 32 for most. Small crops keep more places with 16, at the
            cost of time: later strides become dilations where the backbone allows it, so that its weights stay valid.
    """

    backbone: str = "resnet50"
    output_stride: int | None = None


def config_with(setting: str, constructor: Any) -> tuple[str, type[Config]] | None:
    """The argument of a constructor that is a configuration with this setting, and its class; None if there is none."""
    for argument, hint in typing.get_type_hints(constructor).items():
        if isinstance(hint, type) and issubclass(hint, Config) and setting in hint.__dataclass_fields__:
            return argument, hint
    return None


def plain_scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    """As `plain`, except that dataclasses and mappings stay what they are."""
    return {
        name: value if is_dataclass(value) or isinstance(value, Mapping) else plain(value)
        for name, value in values.items()
    }


def plain(value: Any) -> Any:
    """Settings as what JSON and YAML know, so that checkpoints hold no code.

    Dataclasses and mappings become dictionaries, tuples and arrays lists, numpy's and torch's numbers Python's, paths
    words.
    """
    if isinstance(value, np.generic | np.ndarray | Tensor):
        return value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
