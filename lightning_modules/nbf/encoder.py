"""From a colour-coded picture to the numbers that describe a body."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.common.backbones import Backbone, Pretrained, create_backbone, has_weights
from lightning_modules.nbf.resnet import RELEASED, ReleasedResNet

LATENTS = 226
"""10 shape coefficients and 24 matrices of 3 x 3, row by row."""
_HIDDEN = 512
"""Width of the layer between what goes in beside the picture and the answers."""


class Code(NamedTuple):
    """What the encoder says."""

    pool5: Float[Tensor, "batch width"]
    """Features averaged over the picture."""
    latent: Float[Tensor, "batch 226"]
    """What is to be added to the mean."""


class Encoder(nn.Module):
    """A backbone, an average and one fully connected layer (section 4.2).

    Args:
        backbone: `resnet50v1` or `resnet50v2`, the release's, or a name in `lightning_modules.common.backbones`.
        pretrained: weights that a registry backbone starts from; see `create_backbone`. True, where there are some.
        starts: length of a pose that is put in, too; the answers, of two layers then, are added to it. 0 for none.

    Raises:
        ValueError: no such backbone.
    """

    def __init__(self, backbone: str = "resnet50v1", pretrained: Pretrained = False, starts: int = 0) -> None:
        super().__init__()
        if backbone in RELEASED:
            net: ReleasedResNet | Backbone = ReleasedResNet(backbone)
        else:
            start = pretrained if pretrained is not True else has_weights(backbone)
            net = create_backbone(backbone, start, maps=(-1,))
        self.backbone = net
        width = net.channels[-1]
        self.hidden = nn.Sequential(nn.Linear(width + starts, _HIDDEN), nn.ReLU(inplace=True)) if starts else None
        self.head = nn.Linear(_HIDDEN if starts else width, LATENTS)
        nn.init.normal_(self.head.weight, std=0.001 if starts else 0.02)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, image: Float[Tensor, "batch 3 height width"], start: Float[Tensor, "batch numbers"] | None = None
    ) -> Code:
        """A picture in [0, 1], which is mapped to [-1, 1] here, and the pose to start from, less a mean one."""
        pooled = self.backbone(2 * image - 1)[-1].mean((2, 3))
        if self.hidden is None:
            return Code(pooled, self.head(pooled))
        if start is None:  # the mean pose itself
            start = pooled.new_zeros(len(pooled), LATENTS - 10)
        return Code(pooled, self.head(self.hidden(torch.cat([pooled, start.to(pooled.dtype)], 1))))
