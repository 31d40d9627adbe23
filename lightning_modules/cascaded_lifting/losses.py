"""The losses of the cascade (Eqs. 2 to 5) and of the lifting (Eq. 9).

Sums run over cells, maps and channels as in the paper; over the people of a batch the mean is taken, where one without
a label counts as zero.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from lightning_modules.cascaded_lifting.config import CascadeLossConfig, Supervision
from lightning_modules.cascaded_lifting.network import CascadeOutput
from lightning_modules.cascaded_lifting.targets import CascadeTargets
from lightning_modules.common.volumes import JointTargets, joint_loss, squared_error

SUPERVISION: Mapping[Supervision, tuple[str, ...]] = {
    "none": (),
    "joints": ("joint_maps",),
    "joints_bones": ("joint_maps", "bone_maps"),
    "full": ("joint_maps", "bone_maps", "cube", "ordinal"),
}
"""The rows of Table 4: what is supervised beside the 2.5D joints."""


def ordinal_loss(
    logits: Float[Tensor, "batch bins height width"], levels: Int[Tensor, "batch height width"]
) -> Float[Tensor, ""]:
    """Eq. 4, mean over the pixels that belong to a joint: a wrong bin costs more, the farther it is from the true one.

    As printed, Eq. 4 is the log-likelihood and would be maximised; here it has the minus sign that its source (DORN)
    has. P^c of Eq. 5 is the sigmoid of channel c, trained to be 1 for the first d channels and 0 for the rest.

    Args:
        logits: of P^c.
        levels: d of every pixel, -1 for those that do not count.
    """
    channels = torch.arange(logits.shape[1], device=logits.device)[:, None, None]
    beyond = (channels < levels[:, None]).float()
    cost = functional.binary_cross_entropy_with_logits(logits.float(), beyond, reduction="none").sum(1)
    counted = levels >= 0
    return (cost * counted).sum() / counted.sum().clamp(min=1)


def cascade_losses(output: CascadeOutput, targets: CascadeTargets, config: CascadeLossConfig) -> dict[str, Tensor]:
    """Terms of the first stage by name, weighted.

    `joints` is the mean absolute coordinate of the 2.5D joints in cells and bins; the paper leaves it out, but nothing
    else trains their volumes.

    Args:
        output: of the network.
        targets: of the same batch.
        config: what is supervised, and the weights of the intermediate terms.
    """
    known = JointTargets(targets.joints, targets.joints_valid)
    losses = {"joints": joint_loss(output.joints, known) / (3 * targets.joints.shape[1])}
    seen = targets.joints_valid[..., 0]
    everywhere = targets.cube_valid[:, None].expand(-1, targets.cube.shape[1])
    weights = {
        "joint_maps": config.joint_weight,
        "bone_maps": config.bone_weight,
        "cube": config.cube_weight,
        "ordinal": config.ordinal_weight,
    }
    for name in SUPERVISION[config.supervision]:
        assert output.joint_maps is not None  # the network has the steps that are supervised
        assert output.bone_maps is not None
        assert output.cube is not None
        if name == "joint_maps":
            term = squared_error(output.joint_maps, targets.joint_maps, seen)
        elif name == "bone_maps":
            term = squared_error(output.bone_maps, targets.bone_maps, targets.bones_valid)
        elif name == "cube":
            term = squared_error(output.cube, targets.cube, everywhere)
        else:
            assert output.ordinal is not None  # the network has this head where it is supervised
            term = ordinal_loss(output.ordinal, targets.levels)
        losses[name] = weights[name] * term
    return losses


def lifting_loss(
    lifted: Float[Tensor, "batch joints 3"],
    truth: Float[Tensor, "batch joints 3"],
    valid: Bool[Tensor, "batch joints"],
    spread: Float[Tensor, "joints 3"],
) -> Float[Tensor, ""]:
    """Eq. 9: sum of the absolute coordinates, in units of the training poses' standard deviation, mean over joints."""
    apart = ((lifted - truth) / spread).abs().sum(-1) * valid
    return apart.mean()
