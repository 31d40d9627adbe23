"""Settings of RootNet."""

from __future__ import annotations

from dataclasses import dataclass

from lightning_modules.common.config import BackboneConfig


@dataclass(frozen=True, kw_only=True)
class RootNetConfig(BackboneConfig):
    """The network's settings.

    Attributes:
        head_channels: width of the enlarged features; 256 in the release.
        extent: metres across the box of an uncorrected person (2 for bodies, 0.3 for hands).
    """

    head_channels: int = 256
    extent: float = 2.0
