"""Weights of the authors' release (github.com/redrock303/HEMlets, research use only) by the names used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from body.skeleton import get_skeleton
from lightning_modules.common.state_dict_mapping import Rule, rename
from lightning_modules.hemlets.config import HemletsConfig
from lightning_modules.hemlets.network import HemletsNet
from lightning_modules.hemlets.parts import make_parts

RULES: tuple[Rule, ...] = (
    (r"volume_reg\.", None),  # the grid i / 63, which is no weight
    (r"backbone\.", r"backbone.net."),
    (r"conv_feature\.conv_body\.", r"feature_branch."),
    (r"conv_feature\.conv_tail\.", r"fusion.feature."),
    (r"conv_FBI\.conv_body\.", r"map_branch."),
    (r"conv_FBI\.conv_tail\.", r"maps."),
    (r"FBI_encoder\.", r"encoder."),
    (r"conv_tail\.0\.", r"fusion.mix."),
    (r"conv_tail\.1\.", r"fusion.norm."),
    (r"conv_tail\.3\.", r"volume."),
)


def convert_state_dict(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict of `HemletsNet` from an official one; load it with `strict=True`.

    Args:
        state: with the authors' names.

    Raises:
        ValueError: a key that the released network does not have.
    """
    return rename(state, RULES, "HEMlets")


def build_network(config: Mapping[str, Any]) -> HemletsNet:
    """The network of a module's hyper-parameters, without a body.

    Args:
        config: hyper-parameters of `HemletsModule`; those that are not there have the module's defaults.

    Raises:
        ValueError: no official network is like this.
    """
    network = HemletsConfig(**config.get("network", {}))
    if network.smpl:
        raise ValueError("the released HEMlets has no body regressor; leave out smpl")
    skeleton = get_skeleton(config.get("skeleton", "h36m18"))
    return HemletsNet(network, len(skeleton), make_parts(skeleton, network.parts, network.encoding).maps)
