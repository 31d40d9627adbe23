"""Settings of RootNet."""

from __future__ import annotations

from dataclasses import dataclass

from lightning_modules.common.config import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class RootNetConfig(NetworkConfig):
    """The network's settings.

    Attributes:
        backbone: name in `lightning_modules.common.backbones`; its last features are enlarged to a quarter of the crop.
        head_channels: width of the enlarged features; 256 in the release.
        extent: metres across the box of an uncorrected person (2 for bodies, 0.3 for hands).
    """

    backbone: str = "resnet50"
    head_channels: int = 256
    extent: float = 2.0
