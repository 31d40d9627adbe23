"""Training of body parameters, and the body that they describe in the camera frame."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from body.model import BodyModel
from datamodules.batch import Batch
from lightning_modules.i2l_meshnet.regressor import BodyParameters
from lightning_modules.precision import full_precision
from lightning_modules.prediction import SmplParameters

_FAR_BETAS = 3.0
"""A fit whose shape has a larger coefficient is no example of a body; the release then asks for the mean shape."""


def parameter_loss(
    predicted: Float[Tensor, "batch *shape"], target: Float[Tensor, "batch *shape"], valid: Bool[Tensor, "batch *rest"]
) -> Float[Tensor, ""]:
    """L1, masked entries as zeros in the mean; `valid` is stretched over what it does not have."""
    mask = valid.view(*valid.shape, *[1] * (predicted.ndim - valid.ndim))
    return ((predicted - target) * mask).abs().mean()


class PosedBody(nn.Module):
    """A body model that is posed by `BodyParameters`, with a joint set.

    Args:
        body: the model.
        joint_regressor: (joints, vertices) weights of the joint set.
        root: index of its root.
    """

    joint_regressor: Tensor

    def __init__(self, body: BodyModel, joint_regressor: Float[Tensor, "joints vertices"], root: int) -> None:
        super().__init__()
        self.body, self.root = body, root
        self.register_buffer("joint_regressor", joint_regressor.float(), persistent=False)

    def vertices(self, parameters: BodyParameters) -> Float[Tensor, "batch vertices 3"]:
        """The mesh in metres, without translation."""
        with full_precision(parameters.pose):
            return self.body(parameters.pose + self.body.mean_pose, parameters.betas).vertices

    def place(
        self, parameters: BodyParameters, root: Float[Tensor, "batch 3"]
    ) -> tuple[Float[Tensor, "batch vertices 3"], SmplParameters]:
        """The mesh with its root joint at `root` (metres, camera frame), and the parameters with their translation."""
        vertices = self.vertices(parameters)
        with full_precision(vertices):
            transl = root - self.joint_regressor[self.root] @ vertices
        return vertices + transl[:, None], SmplParameters(parameters.pose, parameters.betas, transl)

    def losses(self, parameters: BodyParameters, batch: Batch) -> dict[str, Tensor]:
        """The release's four terms of the second stage; joints are root-relative, in metres.

        `pose` and `betas` against the fitted parameters, the joints of the body against those of the fit and against
        the dataset's own.
        """
        fitted = batch["smpl_valid"]
        near = (batch["betas"].abs() <= _FAR_BETAS).all(1, keepdim=True)
        with full_precision(parameters.pose):
            joints = self._relative(self.joint_regressor @ self.vertices(parameters))
            fit = self._relative(self.joint_regressor @ batch["vertices"])
        own = batch["joints_valid"] & batch["joints_valid"][:, self.root, None]
        return {
            "pose": parameter_loss(parameters.pose, batch["pose"], fitted),
            "betas": parameter_loss(parameters.betas, torch.where(near, batch["betas"], 0.0), fitted),
            "joint_fit_cam": parameter_loss(joints, fit, batch["vertices_valid"]),
            "joint_orig_cam": parameter_loss(joints, self._relative(batch["joints"]), own),
        }

    def _relative(self, joints: Float[Tensor, "batch joints 3"]) -> Float[Tensor, "batch joints 3"]:
        return joints - joints[:, self.root, None]
