"""HEMlets' losses (Eqs. 3 to 11).

The paper's sums run over pixels, joints and rotations of one person; over the people of a batch the mean is taken,
where one without a label counts as zero.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from body.model import BodyModel
from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.common.precision import full_precision
from lightning_modules.common.volumes import squared_error
from lightning_modules.hemlets.config import HemletsLossConfig, Supervision
from lightning_modules.hemlets.parts import Parts
from lightning_modules.hemlets.targets import HeatMaps

SUPERVISION: Mapping[Supervision, tuple[str, ...]] = {
    "none": (),
    "heatmaps": ("heatmaps",),
    "hemlets": ("hemlets",),
    "full": ("hemlets", "heatmaps"),
}
"""The rows of Table 4: which maps are supervised, beside the joints."""


class MapLoss(nn.Module):
    """What supervises the maps, weighted by alpha (Eqs. 7 and 8).

    Args:
        parts: how HEMlets are encoded.
        config: what is supervised.
    """

    def __init__(self, parts: Parts, config: HemletsLossConfig = HemletsLossConfig()) -> None:
        super().__init__()
        self.parts, self.terms, self.alpha = parts, SUPERVISION[config.supervision], config.alpha

    def forward(self, maps: Float[Tensor, "batch maps height width"], target: HeatMaps) -> dict[str, Tensor]:
        """The terms by name, weighted."""
        count = self.parts.maps
        of_parts = torch.unflatten(maps[:, :count], 1, (len(self.parts), self.parts.states))
        terms = {
            "hemlets": lambda: squared_error(of_parts, target.parts, target.parts_valid),
            "heatmaps": lambda: squared_error(maps[:, count:], target.joints, target.joints_valid),
        }
        return {name: self.alpha * terms[name]() for name in self.terms}


class BodyLoss(nn.Module):
    """What supervises PoSh's body: rotations (Eq. 9), shape (Eq. 10), and where they put the skeleton.

    Args:
        body: the model.
        config: weights.
    """

    def __init__(self, body: BodyModel, config: HemletsLossConfig = HemletsLossConfig()) -> None:
        super().__init__()
        self.body, self.config = body, config

    def forward(
        self, predicted: BodyRotations, target: BodyRotations, valid: Bool[Tensor, " batch"]
    ) -> dict[str, Tensor]:
        """The terms by name, weighted; both bodies in the same frame."""
        people = len(valid)
        # the square root alone has an infinite gradient at 0, which a mask turns into NaN
        distance = ((predicted.rotations - target.rotations).square().sum((2, 3)) + 1e-12).sqrt().sum(1)
        betas = (predicted.betas - target.betas).abs().sum(1)
        losses = {
            "rotations": self.config.rotation_weight * (distance * valid).sum() / people,
            "betas": self.config.betas_weight * (betas * valid).sum() / people,
        }
        if self.config.skeleton_weight:
            with full_precision(betas):
                with torch.no_grad():
                    true = self.body.posed_joints(*target)
                ours = self.body.posed_joints(*predicted)
                apart = ((ours - ours[:, :1]) - (true - true[:, :1])).abs().sum((1, 2))
            losses["skeleton"] = self.config.skeleton_weight * (apart * valid).sum() / people
        return losses
