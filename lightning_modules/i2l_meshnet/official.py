"""Weights of the authors' release (github.com/mks0601/I2L-MeshNet_RELEASE, MIT) by the names used here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

# (pattern, replacement), first match wins; None: not part of this network
_RENAME: tuple[tuple[str, str | None], ...] = (
    (r"human_model_layer\.", None),  # SMPL or MANO, which is licensed and comes from the user's own files
    (r"mesh_backbone\.(conv1|bn1)\.", None),  # a second stem that the released network never runs
    (r"param_regressor\.", None),  # second training stage
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


def convert_state_dict(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """State dict of `I2LMeshNet` (ResNet backbone) from an official one; load it with `strict=True`.

    Args:
        checkpoint: the contents of `snapshot_*.pth.tar` (a dict whose `network` is the state dict), or that state dict;
            keys with or without `module.`.

    Raises:
        ValueError: a key that the released network does not have.
    """
    state = checkpoint.get("network", checkpoint)
    converted = {}
    for key, value in state.items():
        name = rename(key.removeprefix("module."))
        if name is not None:
            converted[name] = value
    return converted


def rename(key: str) -> str | None:
    """Name here of an official weight, or None for one that this network does not have.

    Raises:
        ValueError: the released network has no such weight.
    """
    for pattern, replacement in _RENAME:
        if re.match(pattern, key):
            return None if replacement is None else re.sub(pattern, replacement, key, count=1)
    raise ValueError(f"{key!r} is not a weight of the released I2L-MeshNet; is this another method's checkpoint?")
