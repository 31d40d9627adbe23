"""RootNet in plain PyTorch: where in the crop the root joint is, and a correction of its pinhole depth."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.backbones import Pretrained, count_upsamplings, create_backbone
from lightning_modules.common.heads import enlarging
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.initialisation import init_convolutions
from lightning_modules.common.normalisation import Normalise
from lightning_modules.rootnet.config import RootNetConfig


class RootOutput(NamedTuple):
    """What RootNet says about a crop."""

    place: Float[Tensor, "batch 2"]
    """(x, y) in cells of a heat map a quarter of the crop's size; no half-cell offset."""
    correction: Float[Tensor, " batch"]
    """gamma: true depth over `root_depth.pinhole_depth`."""


class RootNet(nn.Module):
    """2D heat map of the root joint, and a depth correction from globally averaged features.

    The released network was trained on 0..255 images from which ImageNet's mean and standard deviation of 0..1 images
    were taken, so that values reach 1,000. Its weights expect that, and so this network does it too. It takes RGB in
    [0, 1].

    Args:
        config: settings.
        pretrained: weights that the backbone starts from; see `create_backbone`.

    Raises:
        ValueError: no such backbone, or it ends at a stride below 4.
    """

    def __init__(self, config: RootNetConfig = RootNetConfig(), pretrained: Pretrained = False) -> None:
        super().__init__()
        self.backbone = create_backbone(config.backbone, pretrained, maps=(-1,), output_stride=config.output_stride)
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        width = self.backbone.channels[-1]
        self.deconv = enlarging(width, config.head_channels, count_upsamplings(self.backbone, config.backbone))
        self.place = nn.Conv2d(config.head_channels, 1, 1)
        self.depth = nn.Conv2d(width, 1, 1)
        init_convolutions(self.deconv, self.place, self.depth)

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> RootOutput:
        """RGB crops in [0, 1] to the root's place and depth correction."""
        # 0..255 images, statistics of 0..1 images: see above
        features = self.backbone(self.normalise(255 * image))[-1]
        place = soft_argmax_nd(self.place(self.deconv(features)))[:, 0]
        return RootOutput(place, self.depth(features.mean((2, 3), keepdim=True)).flatten().float())
