"""Training of body parameters."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from datamodules.batch import Batch
from lightning_modules.common.posed_body import BodyParameters, PosedBody
from lightning_modules.common.precision import full_precision

_FAR_BETAS = 3.0
"""A fit whose shape has a larger coefficient is no example of a body; the release then asks for the mean shape."""


def parameter_loss(
    predicted: Float[Tensor, " batch *shape"],
    target: Float[Tensor, " batch *shape"],
    valid: Bool[Tensor, " batch *rest"],
) -> Float[Tensor, ""]:
    """L1, masked entries as zeros in the mean; `valid` is stretched over what it does not have."""
    mask = valid.view(*valid.shape, *[1] * (predicted.ndim - valid.ndim))
    return ((predicted - target) * mask).abs().mean()


class SmplParameterLoss(PosedBody):
    """Loss of body parameters (the second stage), against fits and joints of the dataset."""

    def losses(self, parameters: BodyParameters, batch: Batch) -> dict[str, Tensor]:
        """The release's four terms of the second stage; joints are root-relative, in metres.

        `pose` and `betas` against the fitted parameters, the joints of the body against those of the fit and against
        the dataset's own.
        """
        fitted = batch["smpl_valid"]
        near = (batch["betas"].abs() <= _FAR_BETAS).all(1, keepdim=True)
        with full_precision(parameters.pose):
            joints = self.relative(self.joints(self.vertices(parameters)))
            fit = self.relative(self.joints(batch["vertices"]))
        own = batch["joints_valid"] & batch["joints_valid"][:, self.root, None]
        return {
            "pose": parameter_loss(parameters.pose, batch["pose"], fitted),
            "betas": parameter_loss(parameters.betas, torch.where(near, batch["betas"], 0.0), fitted),
            "joint_fit_cam": parameter_loss(joints, fit, batch["vertices_valid"]),
            "joint_orig_cam": parameter_loss(joints, self.relative(batch["joints"]), own),
        }
