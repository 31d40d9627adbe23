"""Weights of the authors' release (github.com/mks0601/I2L-MeshNet_RELEASE, MIT) by the names used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from body.skeleton import get_skeleton
from lightning_modules.common.state_dict_mapping import Rule, rename
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig
from lightning_modules.i2l_meshnet.network import I2LMeshNet
from lightning_modules.i2l_meshnet.regressor import ParameterRegressor

RULES: tuple[Rule, ...] = (
    (r"human_model_layer\.", None),  # SMPL or MANO, which is licensed and comes from the user's own files
    (r"mesh_backbone\.(conv1|bn1)\.", None),  # a second stem that the released network never runs
    (r"param_regressor\.fc\.", r"regressor.fc."),
    (r"param_regressor\.fc_pose\.0\.", r"regressor.pose."),
    (r"param_regressor\.fc_shape\.0\.", r"regressor.betas."),
    (r"pose_backbone\.(layer\d)", r"pose_body.net.\1"),
    (r"pose_backbone\.(conv1|bn1)\.", r"stem.\1."),
    (r"mesh_backbone\.(layer\d)", r"mesh_body.net.\1"),
    (r"pose_net\.(conv_x|conv_y|conv_z_2)\.0\.", r"pose_head.\1."),
    (r"mesh_net\.(conv_x|conv_y|conv_z_2)\.0\.", r"mesh_head.\1."),
    (r"pose_net\.", r"pose_head."),
    (r"mesh_net\.", r"mesh_head."),
    (r"pose2feat\.conv\.0\.", r"pose2feat.conv."),
    (r"pose2feat\.conv\.1\.", r"pose2feat.norm."),
)

_VERTICES = {"smpl": 6890, "mano": 778, "open": 6900}
_POSE_JOINTS = {"smpl": 24, "mano": 16, "open": 24}
_HAND_INPUTS = 3 * 21


def convert_state_dict(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict of `I2LMeshNet` (ResNet backbone) from an official one; load it with `strict=True`.

    The regressor of a hand network is left out: the authors never trained it, and until September 2020 it had the 144
    outputs of a body. A body's is there for stage `param`; `without_regressor` gives the network of stage `lixel`.

    Args:
        state: with the authors' names, without `module.`.

    Raises:
        ValueError: a key that the released network does not have.
    """
    first = state.get("param_regressor.fc.0.weight")
    hand = first is not None and first.shape[1] == _HAND_INPUTS
    converted = rename(state, RULES, "I2L-MeshNet")
    return without_regressor(converted) if hand else converted


def without_regressor(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state without the second stage, by official names or those used here."""
    return {key: value for key, value in state.items() if not key.startswith(("regressor.", "param_regressor."))}


def build_network(config: Mapping[str, Any]) -> I2LMeshNet:
    """The network of a module's hyper-parameters with a joint regressor of zeros, so that no body model is needed.

    Args:
        config: hyper-parameters of `I2LMeshNetModule`; those that are not there have the module's defaults.

    Raises:
        ValueError: no official network is like this.
    """
    network = I2LMeshNetConfig(**config.get("network", {}))
    body, stage = str(config.get("body", "open")), config.get("stage", "lixel")
    kind = body.partition("_")[0]
    if kind not in _VERTICES:
        raise ValueError(f"no I2L-MeshNet was released for body {body!r}; use smpl or mano")
    if network.mesh_head != "lixel" or network.cascade != "pose_net":
        raise ValueError("the released network has a PoseNet and lixels; leave out mesh_head and cascade")
    joints = len(get_skeleton(config.get("skeleton", "smpl29")))
    regressor = ParameterRegressor(joints, _POSE_JOINTS[kind]) if stage == "param" else None
    return I2LMeshNet(torch.zeros(joints, _VERTICES[kind]), network, regressor=regressor)
