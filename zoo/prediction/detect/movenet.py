"""MoveNet MultiPose's people detector: MoveNet one and a half times as wide, with CenterNet's heads for boxes.

Written after the graph that Google published (Apache-2.0; "Objects as Points", Zhou et al. 2019, for the decoding). Its
heat maps of joints are evidence that there is a person.

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

from lightning_modules.common.backbones.movenet import JOINT_WIDTH, WIDTHS, MoveNet, Separable

STRIDE = 4
"""Pixels per cell of the output maps."""
HEADS = {"center": 1, "box_scale": 2, "box_offset": 2}
"""Heads beside MoveNet's own for joints, and their channels."""


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
        self.movenet = MoveNet(width=1.5)
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(Separable(WIDTHS[0], JOINT_WIDTH), nn.Conv2d(JOINT_WIDTH, channels, 1))
                for name, channels in HEADS.items()
            }
        )

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> DetectorMaps:
        """Maps of centres and boxes; see the module's convention."""
        found = self.movenet.levels(image * 2 - 1)
        maps = {name: head(found.pyramid[0]) for name, head in self.heads.items()}
        return DetectorMaps(maps["center"].sigmoid(), maps["box_scale"], maps["box_offset"], found.joints.sigmoid())


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
