"""The second stage's streams: one for the whole body, and one for every joint (section 4.2)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.backbones import Pretrained, create_backbone


def mixing(in_channels: int, channels: int) -> nn.Sequential:
    """1x1 convolution, batch norm and ReLU: what a backbone sees of IUV maps."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )


class GlobalStream(nn.Module):
    """Whole-body maps to numbers.

    Args:
        in_channels: of the maps.
        answers: how many numbers.
        channels: that the backbone sees.
        backbone: name in `lightning_modules.common.backbones`.
        pretrained: weights that the backbone starts from; see `create_backbone`.
    """

    def __init__(
        self,
        in_channels: int,
        answers: int,
        channels: int = 64,
        backbone: str = "resnet18",
        pretrained: Pretrained = False,
    ) -> None:
        super().__init__()
        self.mix = mixing(in_channels, channels)
        self.backbone = create_backbone(backbone, pretrained, channels, maps=(-1,))
        self.answer = nn.Linear(self.backbone.channels[-1], answers)
        nn.init.xavier_uniform_(self.answer.weight, gain=0.01)
        nn.init.zeros_(self.answer.bias)

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch answers"]:
        """The numbers, to be added to a mean."""
        return self.answer(self.backbone(self.mix(maps))[-1].mean((2, 3)))


class JointBlock(nn.Module):
    """A ResNet's basic block with weights of its own for every joint.

    Args:
        joints: groups; channels are joint-major.
        in_channels: per joint.
        channels: per joint, put out.
        stride: of the first convolution; with one there is a short cut by 1x1 convolution.
    """

    def __init__(self, joints: int, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        width = joints * channels
        self.conv1 = nn.Conv2d(joints * in_channels, width, 3, stride, 1, groups=joints, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, groups=joints, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or in_channels != channels:
            shortcut = nn.Conv2d(joints * in_channels, width, 1, stride, groups=joints, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, features: Float[Tensor, "batch wide height width"]) -> Float[Tensor, "batch own low narrow"]:
        """Features of all joints, side by side."""
        inner = functional.relu(self.bn1(self.conv1(features)), inplace=True)
        return functional.relu(self.bn2(self.conv2(inner)) + self.downsample(features), inplace=True)


class LocalStreams(nn.Module):
    """Every joint's maps to its rotation feature: a backbone that all share, then two blocks of the joint's own.

    All joints run as one batch.

    Args:
        joints: how many.
        in_channels: of a joint's maps.
        features: width of a rotation feature.
        channels: that the backbone sees.
        backbone: as that of the global stream; it ends before its last stage.
        pretrained: weights that the backbone starts from; see `create_backbone`.
    """

    def __init__(
        self,
        joints: int,
        in_channels: int,
        features: int = 128,
        channels: int = 64,
        backbone: str = "resnet18",
        pretrained: Pretrained = False,
    ) -> None:
        super().__init__()
        self.mix = mixing(in_channels, channels)
        self.backbone = create_backbone(backbone, pretrained, channels, maps=(-2,))
        width = self.backbone.channels[-1]
        self.own = nn.Sequential(JointBlock(joints, width, features, 2), JointBlock(joints, features, features))

    def forward(
        self, maps: Float[Tensor, "batch joints channels height width"]
    ) -> Float[Tensor, "batch joints features"]:
        """Rotation features."""
        shared = self.backbone(self.mix(maps.flatten(0, 1)))[-1]
        own = self.own(shared.reshape(maps.shape[0], -1, *shared.shape[2:]))
        return own.mean((2, 3)).unflatten(1, (maps.shape[1], -1))
