"""MoveNet MultiPose's people detector: MobileNetV2 with a feature pyramid, and CenterNet's heads for boxes.

Written after the graph that Google published (Apache-2.0; "Objects as Points", Zhou et al. 2019, for the decoding); of
the key-point heads only the heat maps are used, as evidence that there is a person.

Convention:
    Input RGB in [0, 1], sides multiples of 32. Maps have a stride of 4 pixels. A person is a local maximum of the
    centre map; there `box_scale` holds height and width and `box_offset` the centre's offset (y, x), in cells.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 4
"""Pixels per cell of the output maps."""
_BLOCKS = (
    *((24, 1), (40, 2), (40, 1), (48, 2), (48, 1), (48, 1), (96, 2), (96, 1), (96, 1), (96, 1)),
    *((144, 1), (144, 1), (144, 1), (240, 2), (240, 1), (240, 1), (480, 1)),
)
"""(channels, stride) of the inverted residuals."""
_TAPS = {2: (40, 24), 5: (48, 32), 9: (96, 64)}
"""Block -> (its channels, channels of the pyramid there)."""


class DetectorMaps(NamedTuple):
    """Outputs of the network: probability of a centre, the box in cells, and probabilities of COCO's 17 joints."""

    center: Float[Tensor, "batch 1 rows columns"]
    box_scale: Float[Tensor, "batch 2 rows columns"]
    box_offset: Float[Tensor, "batch 2 rows columns"]
    kpt_heatmap: Float[Tensor, "batch 17 rows columns"]


class MoveNetPeople(nn.Module):
    """Boxes of people in images of any size that is a multiple of 32; 256 pixels is what it was trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _SameConv(3, 48, 3, stride=2)
        widths = [48, *(width for width, _ in _BLOCKS)]
        self.blocks = nn.ModuleList(
            _Block(widths[number], width, stride, expansion=6 if number else 1)
            for number, (width, stride) in enumerate(_BLOCKS)
        )
        self.last = nn.Conv2d(480, 1280, 1)
        self.top = nn.Conv2d(1280, 64, 1)
        self.laterals = nn.ModuleList(nn.Conv2d(*_TAPS[tap], 1) for tap in reversed(_TAPS))
        self.smooth = nn.ModuleList(_separable(*widths) for widths in ((64, 32), (32, 24), (24, 24)))
        self.heads = nn.ModuleDict(
            {name: nn.Sequential(*_separable(24, 96), nn.Conv2d(96, width, 1)) for name, width in _HEADS.items()}
        )

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> DetectorMaps:
        """Maps of centres and boxes; see the module's convention."""
        x, taps = F.relu6(self.stem(image * 2 - 1)), []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _TAPS:
                taps.append(x)
        x = self.top(F.relu6(self.last(x)))
        for tap, lateral, smooth in zip(reversed(taps), self.laterals, self.smooth, strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = smooth(x + lateral(tap))
        maps = {name: head(x) for name, head in self.heads.items()}
        return DetectorMaps(
            maps["center"].sigmoid(), maps["box_scale"], maps["box_offset"], maps["kpt_heatmap"].sigmoid()
        )


_HEADS = {"center": 1, "box_scale": 2, "box_offset": 2, "kpt_heatmap": 17}


class _SameConv(nn.Conv2d):
    """A convolution with TensorFlow's `SAME` padding, which at stride 2 and even sides pads right and below only."""

    def __init__(self, channels: int, out: int, size: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, out, size, stride, padding=1 if stride == 1 else 0, groups=groups)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out rows columns"]:
        """Convolve."""
        return super().forward(F.pad(x, (0, 1, 0, 1)) if self.stride[0] == 2 else x)


class _Block(nn.Module):
    """MobileNetV2's inverted residual, its batch norms folded into the convolutions."""

    def __init__(self, channels: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels * expansion
        self.expand = nn.Conv2d(channels, hidden, 1) if expansion > 1 else None
        self.depthwise = _SameConv(hidden, hidden, 3, stride, groups=hidden)
        self.project = nn.Conv2d(hidden, out, 1)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch out rows columns"]:
        """Expand, filter, project."""
        hidden = x if self.expand is None else F.relu6(self.expand(x))
        out: Tensor = self.project(F.relu6(self.depthwise(hidden)))
        return x + out if self.residual else out


def _separable(channels: int, out: int) -> nn.Sequential:
    depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(channels, out, 1), nn.ReLU())


def decode_boxes(maps: DetectorMaps, limit: int) -> tuple[Float[Tensor, "batch n 4"], Float[Tensor, "batch n"]]:
    """Boxes (left, top, right, bottom) in input pixels and their scores, best first; `limit` per image.

    A centre is a cell that is the maximum of the 5 x 5 cells around it.
    """
    peaks = maps.center * (F.max_pool2d(maps.center, 5, 1, 2) == maps.center)
    columns = maps.center.shape[-1]
    scores, cells = peaks.flatten(1).topk(limit)

    def at(values: Float[Tensor, "batch 2 rows columns"]) -> Float[Tensor, "batch n 2"]:
        return values.flatten(2).gather(2, cells[:, None].expand(-1, 2, -1)).transpose(1, 2)

    cell = torch.stack([cells // columns, cells % columns], -1)
    centre, half = cell + at(maps.box_offset), at(maps.box_scale).clamp(min=0) / 2
    bounds = torch.tensor(maps.center.shape[2:], device=centre.device)
    low, high = (centre - half).clamp(min=0).minimum(bounds), (centre + half).clamp(min=0).minimum(bounds)
    return torch.cat([low.flip(-1), high.flip(-1)], -1) * STRIDE, scores


def joint_evidence(heatmap: Float[Tensor, "joints rows columns"], box: Float[Tensor, "4"], best: int = 8) -> float:
    """Mean probability of the joints that a box shows most clearly: high for people, also half ones; low for things.

    Args:
        heatmap: of one image, see `DetectorMaps.kpt_heatmap`.
        box: left, top, right, bottom in input pixels.
        best: number of joints; half a person shows about as many.
    """
    left, top, right, bottom = (box / STRIDE).tolist()
    inside = heatmap[:, int(top) : math.ceil(bottom), int(left) : math.ceil(right)].flatten(1)
    return float(inside.amax(1).topk(best).values.mean()) if inside.shape[1] else 0.0
