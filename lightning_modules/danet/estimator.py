"""The first stage: IUV maps of the whole body and of every joint's window (section 4.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from timm.models.resnet import Bottleneck
from torch import Tensor, nn
from torch.nn import functional

from body.skeleton import SMPL24
from lightning_modules.common.backbones import Pretrained, count_upsamplings, create_backbone, create_pose_hrnet
from lightning_modules.common.heads import enlarging
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.joint_prior import KnownJoints
from lightning_modules.common.normalisation import Normalise
from lightning_modules.danet.charts import PARTS, Charts
from lightning_modules.danet.iuv import IuvMaps
from lightning_modules.danet.pooling import JointWindows, Windows, window_grids

JOINTS = len(SMPL24)


class Estimate(NamedTuple):
    """What the first stage says; maps are a quarter of the crop's size."""

    features: Float[Tensor, "batch channels height width"]
    iuv: IuvMaps
    """Of the whole body: 25 channels; Index are logits."""
    coarse: Float[Tensor, "batch 15 height width"]
    """Logits of the coarse mask."""
    heatmaps: Float[Tensor, "batch joints height width"]
    windows: Windows
    partial: IuvMaps | None
    """Of every joint: (batch, joints, channels, height, width); None where nobody wants them."""
    known: KnownJoints | None = None
    """Joints of a backbone that says them."""


class IuvEstimator(nn.Module):
    """Backbone, and 3x3 convolutions for U, V, Index, coarse mask, heat maps and the joints' own maps.

    Args:
        charts: of the maps.
        backbone: an HRNet, or a network whose last features deconvolutions enlarge to a quarter of the crop.
        channels: width of the enlarged features; an HRNet has its own.
        all_parts: joints keep all parts instead of those around them (Table 8, "D-Net-AP").
        windows: where joints look.
        partial: whether joints have maps of their own.
        pretrained: weights that the backbone starts from; see `create_backbone`.
        output_stride: of its last map, at most; not heeded for an HRNet.
    """

    def __init__(
        self,
        charts: Charts,
        backbone: str,
        channels: int,
        all_parts: bool,
        windows: JointWindows,
        partial: bool = True,
        pretrained: Pretrained = False,
        output_stride: int | None = None,
    ) -> None:
        super().__init__()
        if backbone.startswith("hrnet"):
            self.backbone = create_pose_hrnet(backbone, pretrained)
            channels = self.backbone.channels[-1]
            self.deconv: nn.Module = nn.Identity()
        else:
            self.backbone = create_backbone(backbone, pretrained, maps=(-1,), output_stride=output_stride)
            times = count_upsamplings(self.backbone, backbone)
            self.deconv = enlarging(self.backbone.channels[-1], channels, times)
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        self.channels = channels
        slots = charts.joint_channels(all_parts).shape[1] + 1
        self.u, self.v = (nn.Conv2d(channels, PARTS + 1, 3, padding=1) for _ in range(2))
        self.index = nn.Conv2d(channels, PARTS + 1, 3, padding=1)
        self.coarse = nn.Conv2d(channels, len(charts.coarse), 3, padding=1)
        blocks = [Bottleneck(channels, channels // 4) for _ in range(3)]
        self.heatmap = nn.Sequential(nn.Sequential(*blocks), nn.Conv2d(channels, JOINTS, 3, padding=1))
        self.windows = windows
        own = nn.Conv2d(JOINTS * channels, JOINTS * 3 * slots, 3, padding=1, groups=JOINTS)
        self.partial = own if partial else None
        init_convolutions(self.u, self.v, self.index, self.coarse, self.heatmap[-1], own)

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> Estimate:
        """RGB crops in [0, 1] to maps."""
        features = self.deconv(self.backbone(self.normalise(image))[-1])
        return self.read(features)

    def read(self, features: Float[Tensor, "batch channels height width"]) -> Estimate:
        """The heads on the last features."""
        heads = (self.u, self.v, self.index, self.coarse)
        weight, bias = torch.cat([head.weight for head in heads]), torch.cat([head.bias for head in heads])
        every = functional.conv2d(features, weight, bias, padding=1)  # one convolution for the four
        u, v, index, coarse = torch.split(every, [len(head.weight) for head in heads], 1)
        heatmaps = self.heatmap(features)
        iuv = IuvMaps(u, v, index)
        windows = self.windows(heatmaps, iuv.labels())
        return Estimate(features, iuv, coarse, heatmaps, windows, self.partial_maps(features, windows))

    def partial_maps(self, features: Float[Tensor, "batch channels height width"], windows: Windows) -> IuvMaps | None:
        """Maps of every joint's window, each by its own convolution.

        One joint after the other: on a CPU a grouped convolution takes twice as long, the copy into its input not
        counted.
        """
        if self.partial is None or self.partial.bias is None:
            return None
        features, grids = features.contiguous(), window_grids(windows.thetas, features.shape[-1]).to(features.dtype)
        kernels, biases = self.partial.weight.contiguous().chunk(JOINTS), self.partial.bias.chunk(JOINTS)
        maps = []
        for joint in range(JOINTS):
            seen = functional.grid_sample(features, grids[:, joint], align_corners=True)
            maps.append(functional.conv2d(seen, kernels[joint], biases[joint], padding=1))
        stacked = torch.stack(maps, 1)
        return IuvMaps.unstacked(stacked.reshape(*stacked.shape[:2], 3, -1, *stacked.shape[3:]))
