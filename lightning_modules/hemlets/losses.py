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
from lightning_modules.hemlets.parts import Parts
from lightning_modules.hemlets.targets import HeatMaps

SUPERVISION: Mapping[str, tuple[str, ...]] = {
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
        supervision: a key of `SUPERVISION`.
        alpha: 0.05 in the paper.

    Raises:
        ValueError: no such supervision.
    """

    def __init__(self, parts: Parts, supervision: str = "full", alpha: float = 0.05) -> None:
        super().__init__()
        if supervision not in SUPERVISION:
            raise ValueError(f"no supervision {supervision!r}; use one of {', '.join(SUPERVISION)}")
        self.parts, self.terms, self.alpha = parts, SUPERVISION[supervision], alpha

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

    The last is not in the paper (weight 0): small mistakes of rotations add up along a limb, and with few training
    steps that is most of the error.

    Args:
        body: the model.
        rotation_weight: of Eq. 9; 1 in the paper.
        betas_weight: of Eq. 10; 1 in the paper.
        skeleton_weight: of the distances (sum of absolute coordinates in metres) of the posed joints from the root.
    """

    def __init__(
        self, body: BodyModel, rotation_weight: float = 1.0, betas_weight: float = 1.0, skeleton_weight: float = 0.0
    ) -> None:
        super().__init__()
        self.body = body
        self.rotation_weight, self.betas_weight = rotation_weight, betas_weight
        self.skeleton_weight = skeleton_weight

    def forward(
        self, predicted: BodyRotations, target: BodyRotations, valid: Bool[Tensor, " batch"]
    ) -> dict[str, Tensor]:
        """The terms by name, weighted; both bodies in the same frame."""
        people = len(valid)
        # the square root alone has an infinite gradient at 0, which a mask turns into NaN
        distance = ((predicted.rotations - target.rotations).square().sum((2, 3)) + 1e-12).sqrt().sum(1)
        betas = (predicted.betas - target.betas).abs().sum(1)
        losses = {
            "rotations": self.rotation_weight * (distance * valid).sum() / people,
            "betas": self.betas_weight * (betas * valid).sum() / people,
        }
        if self.skeleton_weight:
            with full_precision(betas):
                with torch.no_grad():
                    true = self.body.posed_joints(*target)
                ours = self.body.posed_joints(*predicted)
                apart = ((ours - ours[:, :1]) - (true - true[:, :1])).abs().sum((1, 2))
            losses["skeleton"] = self.skeleton_weight * (apart * valid).sum() / people
        return losses
