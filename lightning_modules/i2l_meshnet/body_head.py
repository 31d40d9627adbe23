"""The alternative that the paper argues against: parameters of a body model instead of heat maps."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from body.model import BodyModel
from lightning_modules.common.backbones import Pretrained
from lightning_modules.common.mesh_prior import MeshPrior
from lightning_modules.common.posed_body import BodyParameters
from lightning_modules.common.precision import full_precision
from lightning_modules.common.rotations import axis_angle_from_6d
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig
from lightning_modules.i2l_meshnet.heads import HeadSize
from lightning_modules.i2l_meshnet.network import BodyLixels, I2LMeshNet, PoseOutput
from lightning_modules.i2l_meshnet.regressor import ParameterRegressor


class BodyHead(nn.Module):
    """Body parameters and a scaled orthographic camera (Table 1, "SMPL param.").

    Args:
        size: of the head.
        body: poses the mesh.
        regressor: joints of the mesh; the first one is the middle of the depth range.
        depth_range: metres across the volume.
    """

    regressor: Tensor

    def __init__(
        self, size: HeadSize, body: BodyModel, regressor: Float[Tensor, "joints vertices"], depth_range: float
    ) -> None:
        super().__init__()
        self.bins, self.body, self.depth_range = size.bins, body, depth_range
        joints, width = len(body.parents), 2 * size.channels
        self.hidden = nn.Sequential(nn.Linear(size.in_channels * size.side**2, width), nn.ReLU(inplace=True))
        self.answer = nn.Linear(width, 6 * joints + 13)
        self.register_buffer("regressor", regressor.float(), persistent=False)
        nn.init.normal_(self.answer.weight, std=0.01)
        upright = torch.tensor([1.0, 0, 0, -1, 0, 0])  # bodies have y up, the camera has y down
        unturned = torch.tensor([1.0, 0, 0, 1, 0, 0]).repeat(joints - 1)
        with torch.no_grad():
            self.answer.bias.copy_(torch.cat([upright, unturned, torch.zeros(13)]))

    def parameters_and_camera(
        self, features: Float[Tensor, "batch channels height width"]
    ) -> tuple[BodyParameters, Float[Tensor, "batch 3"]]:
        """Body parameters; and (s, x, y): the body is exp(s) times as large as if the crop were `depth_range` wide."""
        answer = self.answer(self.hidden(features.flatten(1))).float()
        pose = axis_angle_from_6d(answer[:, :-13].unflatten(1, (-1, 6)))
        return BodyParameters(pose, answer[:, -13:-3]), answer[:, -3:]

    def place(self, parameters: BodyParameters, camera: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch points 3"]:
        """The posed mesh in bins, its first joint at the camera's (x, y) and in the middle of the depth range."""
        with full_precision(camera):
            vertices = self.body(parameters.pose + self.body.mean_pose, parameters.betas).vertices
            vertices = vertices - (self.regressor[:1] @ vertices)
            scale = torch.cat([camera[:, :1].exp().expand(-1, 2), torch.ones_like(camera[:, :1])], 1)
            shift = functional.pad(camera[:, 1:], (0, 1))
            return (vertices * (scale / self.depth_range)[:, None] + shift[:, None] + 0.5) * self.bins

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch points 3"]:
        """Coordinates in bins."""
        return self.place(*self.parameters_and_camera(features))


class BodyMeshNet(I2LMeshNet):
    """I2L-MeshNet with a `BodyHead`, whose parameters are a part of the answer."""

    mesh_head: BodyHead

    def mesh(self, pose: PoseOutput) -> BodyLixels:
        """MeshNet on PoseNet's output, or on the image alone."""
        parameters, camera = self.mesh_head.parameters_and_camera(self.mesh_features(pose))
        return BodyLixels(*self.lixels(pose, self.mesh_head.place(parameters, camera)), parameters)


def make_network(
    config: I2LMeshNetConfig,
    body: BodyModel,
    joint_regressor: Float[Tensor, "joints vertices"],
    pretrained: Pretrained = False,
    regressor: ParameterRegressor | None = None,
) -> I2LMeshNet:
    """The network of a configuration, for a body.

    Args:
        config: settings.
        body: whose mesh is predicted.
        joint_regressor: see `I2LMeshNet`, as for the arguments after it.
        pretrained: see `I2LMeshNet`.
        regressor: see `I2LMeshNet`.
    """
    if config.mesh_head != "smpl":
        prior = MeshPrior(body, config.depth_range) if config.joint_prior else None
        return I2LMeshNet(joint_regressor, config, pretrained, regressor, prior=prior)
    head = partial(BodyHead, body=body, regressor=joint_regressor, depth_range=config.depth_range)
    return BodyMeshNet(joint_regressor, config, pretrained, regressor, head)
