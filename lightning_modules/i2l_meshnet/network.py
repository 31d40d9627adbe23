"""I2L-MeshNet's network in plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.backbones import Backbone, Pretrained, create_split_backbone
from lightning_modules.common.heatmaps import gaussian_profile
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.joint_prior import check_knows_joints, known_joints, person_maps
from lightning_modules.common.mesh_prior import MeshPrior
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.posed_body import BodyParameters
from lightning_modules.common.precision import full_precision
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig
from lightning_modules.i2l_meshnet.heads import MESH_HEADS, HeadSize, SizedLixelHead
from lightning_modules.i2l_meshnet.regressor import ParameterRegressor


class Lixels(NamedTuple):
    """Network output in lixel units: (x, y, z) bins of a heat map a quarter of the crop's size.

    x and y are crop pixels / 4; z is depth relative to the root joint, its range mapped to 0 .. bins.
    """

    joints: Float[Tensor, "batch joints 3"]
    """From PoseNet; without one, those it was replaced by: the true ones that were put in, or the mesh's."""
    vertices: Float[Tensor, "batch vertices 3"]
    """From MeshNet."""
    joints_from_mesh: Float[Tensor, "batch joints 3"]
    """Joint regressor applied to `vertices`."""


class BodyLixels(NamedTuple):
    """`Lixels`, and the body that they are the mesh of."""

    joints: Float[Tensor, "batch joints 3"]
    vertices: Float[Tensor, "batch vertices 3"]
    joints_from_mesh: Float[Tensor, "batch joints 3"]
    parameters: BodyParameters


class PoseOutput(NamedTuple):
    """What PoseNet alone says, or what stands in for it."""

    joints: Float[Tensor, "batch joints 3"] | None
    """Lixels; None when MeshNet is not shown any."""
    shared: Float[Tensor, "batch channels bins bins"]
    """Early image feature, which MeshNet reads too."""
    upsampled: Float[Tensor, "batch width bins bins"] | None
    """Features that the heat maps along x and y are averages of; None without a PoseNet."""


class Pose2Feat(nn.Module):
    """Mixes the joints' Gaussian volume into the shared image feature: f_M of Eq. 4, on the volume of Eq. 3.

    The published layer convolves the channels (feature, then joint-major depth slices of J volumes of D^3 bins). A
    Gaussian is the product of its three axis profiles, so the same convolution is done here axis by axis and the
    J x D x D x D volume never exists. Weight and bias have the published shape and meaning.

    Args:
        channels: width of the image feature, in and out.
        joints: J.
        bins: D.
        sigma: of the Gaussian, in bins.
    """

    def __init__(self, channels: int, joints: int, bins: int, sigma: float = 2.5) -> None:
        super().__init__()
        self.joints, self.bins, self.sigma = joints, bins, sigma
        self.conv = nn.Conv2d(channels + joints * bins, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(
        self, feature: Float[Tensor, "batch channels bins bins"], joints: Float[Tensor, "batch joints 3"]
    ) -> Float[Tensor, "batch channels bins bins"]:
        """Image feature and joints (x, y, z in bins; no gradient flows into them) to MeshNet's input."""
        width = feature.shape[1]
        image_weight, volume_weight = self.conv.weight[:, :width], self.conv.weight[:, width:]
        mixed = functional.conv2d(feature, image_weight, self.conv.bias, padding=1)
        mixed = mixed + self.convolve_volume(volume_weight, joints.detach()).to(mixed.dtype)
        return functional.relu(self.norm(mixed), inplace=True)

    def convolve_volume(
        self, weight: Float[Tensor, "channels slices 3 3"], joints: Float[Tensor, "batch joints 3"]
    ) -> Float[Tensor, "batch channels bins bins"]:
        """3x3 convolution (padding 1, no bias) of the Gaussian volume, one axis at a time.

        Args:
            weight: kernels of the volume's channels; channel = joint * bins + z.
            joints: (x, y, z) in bins.
        """
        batch, count, _ = joints.shape
        channels = weight.shape[0]
        along_x, along_y, along_z = gaussian_profile(joints, self.bins, self.sigma).to(weight.dtype).unbind(2)
        # z: every sample and joint gets its own 3x3 kernels, rows and columns (ky, channel, kx)
        kernels = weight.view(channels, count, self.bins, 3, 3).permute(1, 2, 3, 0, 4).reshape(count, self.bins, -1)
        kernels = torch.bmm(along_z.transpose(0, 1), kernels)
        kernels = kernels.view(count, batch, 3 * channels, 3).transpose(0, 1)
        # x: a kernel's three columns meet the profile seen from the left, the centre and the right
        rows = torch.matmul(kernels, _shifted(along_x))
        # y: the same with its rows, summed over joints
        columns = _shifted(along_y).reshape(batch, count * 3, self.bins)
        mixed = torch.bmm(columns.transpose(1, 2), rows.reshape(batch, count * 3, channels * self.bins))
        return mixed.view(batch, self.bins, channels, self.bins).transpose(1, 2)


def _shifted(profile: Float[Tensor, "batch joints bins"]) -> Float[Tensor, "batch joints 3 bins"]:
    """The profile at i - 1, i and i + 1, zero outside."""
    padded = functional.pad(profile, (1, 1))
    return torch.stack([padded[..., shift : shift + profile.shape[-1]] for shift in range(3)], 2)


class I2LMeshNet(nn.Module):
    """Image-to-lixel network: PoseNet, then MeshNet on PoseNet's joints and early image feature (section 3).

    Input is RGB in [0, 1]. The published network takes it as it is, without ImageNet mean and standard deviation, and
    so does this one unless `config.normalise` is set.

    Args:
        joint_regressor: (joints, vertices), rows sum to 1; kept out of the state dict.
        config: settings.
        pretrained: weights that both backbones start from; see `create_backbone`.
        regressor: body parameters from the joints of the mesh, the second stage; a part of the state, but not run here.
        mesh_head: makes the head of MeshNet; that of `config.mesh_head` when omitted.
        prior: moves the mesh to the backbone's joints; for `people_movenet`.

    Raises:
        ValueError: the backbone has no maps for the prior, cannot be cut at stride 4 or ends there, or the mesh's heat
            maps cannot have this length.
    """

    joint_regressor: Tensor

    def __init__(
        self,
        joint_regressor: Float[Tensor, "joints vertices"],
        config: I2LMeshNetConfig = I2LMeshNetConfig(),
        pretrained: Pretrained = False,
        regressor: ParameterRegressor | None = None,
        mesh_head: Callable[[HeadSize], nn.Module] | None = None,
        prior: MeshPrior | None = None,
    ) -> None:
        super().__init__()
        joints, vertices = joint_regressor.shape
        self.bins = config.crop_size // 4
        cut = partial(create_split_backbone, config.backbone, pretrained, config.output_stride)
        self.stem, body, stem_channels = cut()
        self.normalise = Normalise(body.mean, body.std) if config.normalise else nn.Identity()
        self.mesh_body = cut(last_map=config.mesh_map).body
        pose_size = _head_size(config, body, joints, self.bins)
        mesh_size = _head_size(config, self.mesh_body, vertices, config.mesh_bins or self.bins)
        self.bins_per_mesh_bin = self.bins / mesh_size.bins
        has_pose_net, sees_joints = config.cascade == "pose_net", config.cascade != "none"
        self.pose_body = body if has_pose_net else None
        self.pose_head = SizedLixelHead(pose_size) if has_pose_net else None
        self.pose2feat = Pose2Feat(stem_channels, joints, self.bins, config.sigma) if sees_joints else None
        self.mesh_head = (mesh_head or MESH_HEADS[config.mesh_head])(mesh_size)
        self.register_buffer("joint_regressor", joint_regressor.float(), persistent=False)
        # as released: 1D convolutions keep PyTorch's default (the paper says N(0, 0.001))
        init_convolutions(*filter(None, (self.pose_head, self.pose2feat, self.mesh_head)))
        self.regressor, self.prior = regressor, prior
        if prior is not None:
            check_knows_joints(self.mesh_body)

    def forward(
        self, image: Float[Tensor, "batch 3 size size"], joints: Float[Tensor, "batch joints 3"] | None = None
    ) -> Lixels | BodyLixels:
        """Joints and mesh in lixel units.

        Mesh losses reach the stem through the shared feature, but not PoseNet: its joints are detached in `Pose2Feat`.

        Args:
            image: RGB crops.
            joints: the true ones, for `cascade` `true`.
        """
        return self.mesh(self.pose(image, joints))

    def pose(
        self, image: Float[Tensor, "batch 3 size size"], joints: Float[Tensor, "batch joints 3"] | None = None
    ) -> PoseOutput:
        """PoseNet alone (section 3.1), or the given joints where there is none."""
        shared = self.stem(self.normalise(image))
        if self.pose_body is None or self.pose_head is None:
            return PoseOutput(joints, shared, None)
        features = self.pose_body(shared)[-1]
        upsampled = self.pose_head.deconv(features)
        return PoseOutput(self.pose_head.locate(upsampled, features), shared, upsampled)

    def mesh_features(self, pose: PoseOutput) -> Float[Tensor, "batch channels height width"]:
        """What the head of MeshNet reads.

        Raises:
            ValueError: there are no joints to show to MeshNet.
        """
        if self.pose2feat is None:
            return self.mesh_body(pose.shared)[-1]
        if pose.joints is None:
            raise ValueError("this network has no PoseNet (cascade: true); put the true joints in")
        return self.mesh_body(self.pose2feat(pose.shared, pose.joints))[-1]

    def mesh(self, pose: PoseOutput) -> Lixels | BodyLixels:
        """MeshNet on PoseNet's output (section 3.2)."""
        features = self.mesh_features(pose)
        vertices = self.mesh_head(features)
        if self.prior is not None and not self.training:
            known = known_joints(person_maps(self.mesh_body, features))
            bins = round(self.bins / self.bins_per_mesh_bin)
            vertices = self.prior(vertices, known, bins, 1 / self.bins_per_mesh_bin)
        return self.lixels(pose, vertices)

    def lixels(self, pose: PoseOutput, vertices: Float[Tensor, "batch vertices 3"]) -> Lixels:
        """The answer, from vertices in the mesh's own bins."""
        if self.bins_per_mesh_bin != 1:
            vertices = vertices * self.bins_per_mesh_bin
        with full_precision(vertices):
            joints_from_mesh = self.joint_regressor @ vertices
        return Lixels(joints_from_mesh if pose.joints is None else pose.joints, vertices, joints_from_mesh)


def _head_size(config: I2LMeshNetConfig, body: Backbone, points: int, bins: int) -> HeadSize:
    return HeadSize(body.channels[-1], config.crop_size // body.reductions[-1], points, bins, config.head_channels)
