"""Weights of the authors' release (github.com/mks0601/3DMPPE_ROOTNET_RELEASE, MIT) by the names used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lightning_modules.common.state_dict_mapping import Rule, rename
from lightning_modules.rootnet.config import RootNetConfig
from lightning_modules.rootnet.network import RootNet

RULES: tuple[Rule, ...] = (
    (r"backbone\.(conv1|bn1|layer\d)\.", r"backbone.net.\1."),
    (r"root\.deconv_layers\.", r"deconv."),
    (r"root\.xy_layer\.", r"place."),
    (r"root\.depth_layer\.", r"depth."),
)


def convert_state_dict(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict of `RootNet` from an official one; load it with `strict=True`.

    Args:
        state: with the authors' names, without `module.`.

    Raises:
        ValueError: a key that the released network does not have.
    """
    return rename(state, RULES, "RootNet")


def build_network(config: Mapping[str, Any]) -> RootNet:
    """The network of a module's hyper-parameters."""
    return RootNet(RootNetConfig(**config.get("network", {})))
