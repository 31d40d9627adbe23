"""A backbone with light heads for everything that a rendering says of a person."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.backbones import Pretrained, create_pyramid
from lightning_modules.common.backbones.movenet_people import Merge
from lightning_modules.common.normalisation import Normalise
from lightning_modules.common.posed_body import BodyRotations
from lightning_modules.common.precision import full_precision
from lightning_modules.common.rotations import matrix_from_6d

PARTS = 24


class PeopleOutput(NamedTuple):
    """What the heads say; maps have a quarter of the crop's side."""

    heatmaps: Float[Tensor, "batch joints side side"]
    """Logits over all cells of a joint's map."""
    joints: Float[Tensor, "batch joints 3"]
    """Expected x and y in cells, and depth relative to the root joint in metres."""
    parts: Float[Tensor, "batch 25 side side"]
    """Logits of the background and 24 parts."""
    surface: Float[Tensor, "batch 48 side side"]
    """U of every part, then V of every part, 0 to 1."""
    body: BodyRotations
    """Rotations as the camera of the crop sees them, and shape."""


class PeopleNetwork(nn.Module):
    """Backbone, feature pyramid to stride 4, and one 1x1 convolution per task; the body from the pooled last map.

    The crop's side is a multiple of 32.

    Args:
        joints: number of joints.
        backbone: see `create_pyramid`.
        pretrained: see `create_pyramid`.
        channels: width of the pyramid; 0 for none, where the backbone's finest map is what all tasks want.
        root: index of the joint that depths are relative to.

    Raises:
        ValueError: as in `create_pyramid`, or there is neither a pyramid nor such a map.
    """

    def __init__(
        self,
        joints: int,
        backbone: str = "tf_efficientnet_lite0",
        pretrained: Pretrained = False,
        channels: int = 96,
        root: int = 0,
    ) -> None:
        super().__init__()
        self.root, self.num_joints = root, joints
        self.backbone = create_pyramid(backbone, pretrained)
        self.normalise = Normalise(self.backbone.mean, self.backbone.std)
        widths = self.backbone.channels
        self.top = self.maps = None
        self.merges = nn.ModuleList()
        wanted = 2 * joints + 1 + 3 * PARTS
        if channels:
            self.top = nn.Sequential(nn.Conv2d(widths[-1], channels, 1, bias=False), nn.BatchNorm2d(channels))
            self.merges.extend(Merge(width, channels) for width in reversed(widths[:-1]))
            self.maps = nn.Conv2d(channels, wanted, 1)
        elif widths[0] != wanted:
            raise ValueError(f"backbone {backbone!r} has no map of {wanted} channels; give channels, e.g. 96")
        self.pooled = nn.Sequential(nn.Linear(widths[-1], 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True))
        self.numbers = nn.Linear(512, 6 * PARTS + 10)
        with torch.no_grad():
            if self.maps is not None:
                self.maps.weight.mul_(0.1)
            self.numbers.weight.mul_(0.01)
            self.numbers.bias.zero_()
            self.numbers.bias[: 6 * PARTS].view(PARTS, 6)[:, [0, 3]] = 1.0  # no rotation

    def forward(self, image: Float[Tensor, "batch 3 size size"]) -> PeopleOutput:
        """Everything about the person of each crop.

        Args:
            image: RGB in [0, 1].
        """
        *finer, last = self.backbone(self.normalise(image))
        features = finer[0] if self.top is None else self.top(last)
        for merge, fine in zip(self.merges, reversed(finer), strict=False):
            features = merge(features, fine)
        sizes = [self.num_joints, self.num_joints, 1 + PARTS, 2 * PARTS]
        maps = features if self.maps is None else self.maps(features)
        heatmaps, depths, parts, surface = maps.split(sizes, 1)
        numbers = self.numbers(self.pooled(last.mean((2, 3)))).float()
        rotations, betas = numbers.split([6 * PARTS, 10], -1)
        body = BodyRotations(matrix_from_6d(rotations.view(-1, PARTS, 6)), betas)
        return PeopleOutput(heatmaps, self._locate(heatmaps, depths), parts, surface, body)

    def _locate(
        self, heatmaps: Float[Tensor, "batch joints side side"], depths: Float[Tensor, "batch joints side side"]
    ) -> Float[Tensor, "batch joints 3"]:
        """Expectations under each joint's map, in float32."""
        side = heatmaps.shape[-1]
        with full_precision(heatmaps):
            likelihood = functional.softmax(heatmaps.flatten(2).float(), -1)
            depth = (likelihood * depths.flatten(2)).sum(-1)
            likelihood = likelihood.view(heatmaps.shape)
            cells = torch.arange(side, dtype=torch.float32, device=heatmaps.device)
            x, y = likelihood.sum(2) @ cells, likelihood.sum(3) @ cells
            return torch.stack([x, y, depth - depth[:, self.root, None]], -1)
