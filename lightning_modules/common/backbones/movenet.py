"""MoveNet's network: MobileNetV2 and a feature pyramid that ends in heat maps of COCO's joints.

Written from the graph of Google's `movenet/singlepose` models (Apache-2.0), whose batch norms are folded into the
convolutions; `movenet_weights` reads their weights. What MoveNet does after its heat maps is not here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from timm.layers import make_divisible
from timm.models._features import FeatureInfo
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.common.precision import FullPrecision, in_full_precision

MEAN = STD = (0.5, 0.5, 0.5)
"""Images lie in [-1, 1]."""
JOINTS, JOINT_WIDTH = 17, 96
_STAGES = ((1, 16, 1), (2, 24, 2), (3, 32, 2), (4, 64, 2), (3, 96, 1), (3, 160, 2), (1, 320, 1))
"""Blocks, width and first stride of MobileNetV2's stages (Sandler et al. 2018, table 2)."""
_CUT = 3
"""Blocks up to stride 4."""
_LATERALS, _CONTEXT, _LAST = (2, 5, 9), 12, 16
"""Blocks whose outputs the pyramid reads at strides 4, 8 and 16; the last one of stride 16; the last."""
WIDTHS, _TOP = (24, 24, 32, 64), 1280
"""Of the pyramid: merged maps of strides 4, 8, 16, and the top before it; and of the last convolution."""


class Levels(NamedTuple):
    """What a MoveNet knows of an image, at strides 4, 8 and 16, and the last features of stride 32."""

    trunk: list[Tensor]
    pyramid: list[Tensor]
    joints: Float[Tensor, "batch 17 height width"]
    """Logits of COCO's joints."""
    last: Tensor


class _Conv(nn.Sequential):
    """Convolution with TensorFlow's padding, which a stride of 2 has at the right and the bottom alone, then ReLU6."""

    def __init__(self, width: int, out: int, side: int = 1, stride: int = 1, groups: int = 1, act: bool = True) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if stride == 2:
            layers["pad"] = nn.ZeroPad2d((0, 1, 0, 1))
        layers["conv"] = nn.Conv2d(width, out, side, stride, 0 if stride == 2 else side // 2, groups=groups)
        if act:
            layers["act"] = nn.ReLU6(inplace=True)
        super().__init__(layers)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: wider, depthwise, narrower, and the input added where the shapes agree.

    Args:
        width: of the input.
        out: width of the output.
        stride: of the depthwise convolution.
        expansion: how many times as wide it is inside; with 1 there is no first convolution.
    """

    def __init__(self, width: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width * expansion
        self.expand = _Conv(width, inner) if expansion > 1 else nn.Identity()
        self.depthwise = _Conv(inner, inner, 3, stride, inner)
        self.project = _Conv(inner, out, act=False)
        self.residual = stride == 1 and width == out

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """The block."""
        new = self.project(self.depthwise(self.expand(features)))
        return features + new if self.residual else new


class Separable(nn.Module):
    """A 3x3 depthwise and a 1x1 convolution, then ReLU."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.pointwise = nn.Conv2d(width, out, 1)

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """The layer."""
        return functional.relu(self.pointwise(self.depthwise(features)))


class Stem(FullPrecision, nn.Sequential):
    """The layers up to stride 4, of a network that was cut."""

    @in_full_precision
    def forward(self, image: Float[Tensor, "batch channels height width"]) -> Tensor:
        """An image in [-1, 1] to a map."""
        return nn.Sequential.forward(self, image)  # type: ignore[no-untyped-call, no-any-return, unused-ignore]


class MoveNet(FullPrecision):
    """Maps of strides 4 (pyramid, and the joints' logits), 8, 16 (pyramid) and 32 (MobileNetV2's last).

    Args:
        width: multiplies MobileNetV2's widths: 1 for Lightning, 1.75 for Thunder, 1.5 for the detector of people
            (`zoo.prediction.detect`).
        out_indices: which of the four maps; without the first three, the pyramid is left out.
        in_chans: 3.

    Raises:
        ValueError: other channels than three.
    """

    def __init__(self, width: float = 1.0, out_indices: Sequence[int] = (0, 1, 2, 3), in_chans: int = 3) -> None:
        super().__init__()
        if in_chans != 3:
            raise ValueError(f"MoveNet reads 3 channels, not {in_chans}")
        widths = [make_divisible(channels * width) for channels in (32, *(out for _, out, _ in _STAGES))]
        self.stem = _Conv(3, widths[0], 3, 2)
        self.blocks = nn.ModuleList()
        for stage, (count, _, stride) in enumerate(_STAGES):
            into, out = widths[stage], widths[stage + 1]
            for number in range(count):
                first = number == 0
                self.blocks.append(
                    InvertedResidual(into if first else out, out, stride if first else 1, 6 if stage else 1)
                )
        self.trunk_widths = [*widths[2:4], widths[5]]
        self.top = _Conv(widths[-1], _TOP)
        read = (*widths[2:5], _TOP)
        self.lateral = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(read, (24, 32, 64, 64), strict=True))
        self.merge = nn.ModuleList([Separable(24, 24), Separable(32, 24), Separable(64, 32)])
        self.joint_features = Separable(WIDTHS[0], JOINT_WIDTH)
        self.joint_maps = nn.Conv2d(JOINT_WIDTH, JOINTS, 1)
        self.wanted = [index % 4 for index in out_indices]
        self.describe([WIDTHS[0] + JOINTS, *WIDTHS[1:3], widths[-1]], [4, 8, 16, 32])
        if self.wanted == [3]:
            del self.top, self.lateral, self.merge, self.joint_features, self.joint_maps

    def describe(self, channels: list[int], strides: list[int]) -> None:
        """Say, as timm's networks do, what the maps are."""
        rows = [
            {"num_chs": count, "reduction": stride, "module": ""}
            for count, stride in zip(channels, strides, strict=True)
        ]
        self.feature_info: Any = FeatureInfo(rows, tuple(self.wanted))

    def trunk(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """Outputs of all blocks."""
        features, outputs = self.stem(image), []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        return outputs

    def levels(self, image: Float[Tensor, "batch channels height width"]) -> Levels:
        """MobileNetV2 and MoveNet's pyramid."""
        blocks = self.trunk(image)
        features = self.lateral[3](self.top(blocks[_LAST]))
        pyramid: list[Tensor] = []
        for level in (2, 1, 0):
            features = functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
            features = self.merge[level](features + self.lateral[level](blocks[_LATERALS[level]]))
            pyramid.insert(0, features)
        trunk = [blocks[_LATERALS[0]], blocks[_LATERALS[1]], blocks[_CONTEXT]]
        return Levels(trunk, pyramid, self.joint_maps(self.joint_features(features)), blocks[_LAST])

    @in_full_precision
    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """The maps that were asked for, from fine to coarse; of an image in [-1, 1] whose sides are multiples of 32."""
        if self.wanted == [3]:
            return [self.trunk(image)[_LAST]]
        found = self.levels(image)
        maps = [torch.cat([found.pyramid[0], found.joints], 1), *found.pyramid[1:], found.last]
        return [maps[index] for index in self.wanted]

    def cut(self) -> Stem:
        """Take the layers up to stride 4 out; the network then starts with what they give."""
        stem = Stem(OrderedDict(stem=self.stem, blocks=nn.Sequential(*self.blocks[:_CUT])))
        self.stem = nn.Identity()  # type: ignore[assignment]
        for number in range(_CUT):
            self.blocks[number] = nn.Identity()
        return stem

    def load(self, state: dict[str, Tensor]) -> None:
        """Take weights; those of layers that were left out are not needed.

        Raises:
            RuntimeError: they are of another network.
        """
        own = self.state_dict()
        self.load_state_dict({key: value for key, value in state.items() if key in own}, strict=True)
