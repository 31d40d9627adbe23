"""MoveNet with a second pyramid on top, for what MoveNet does not say of people: more joints, depth, parts, surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from body.skeleton import COCO17, OPEN36
from lightning_modules.common.backbones.joint_refiner import JointRefiner
from lightning_modules.common.backbones.movenet import JOINTS, MoveNet
from lightning_modules.common.precision import in_full_precision

PARTS = 24
_SECOND = ("people_top.", "people_merge.", "people_maps.", "people_joints.")
SHARPER = 3.0
"""MoveNet's log odds of a joint become the logit of a softmax over all places, times this (see the README)."""


class PersonMaps(NamedTuple):
    """What the finest map says, at stride 4."""

    joints: Float[Tensor, "batch 36 height width"]
    """Logits of the joints of `OPEN36`, for a softmax over all cells; cell i lies at crop pixel 4 i."""
    depths: Float[Tensor, "batch 36 height width"]
    """Metres; where a joint is, less the root's where that is: its depth behind the root."""
    parts: Float[Tensor, "batch 25 height width"]
    """Logits of the background and 24 parts."""
    surface: Float[Tensor, "batch charts height width"]
    """U of the parts, then V of the parts; none where a coarse map has left them out."""
    places: Float[Tensor, "batch 36 3"]
    """Joints that all maps together suggest (`JointRefiner`): x and y in cells, depth in metres."""


class Merge(nn.Module):
    """A finer map added to an enlarged coarser one, and a separable convolution over both.

    Args:
        fine: width of the finer map.
        channels: width of the coarser map and of the result.
    """

    def __init__(self, fine: int, channels: int) -> None:
        super().__init__()
        self.lateral = nn.Sequential(nn.Conv2d(fine, channels, 1, bias=False), nn.BatchNorm2d(channels))
        self.mix = nn.Sequential(
            nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, coarse: Tensor, fine: Float[Tensor, "batch channels height width"]) -> Tensor:
        """The merged map, of the finer one's size."""
        larger = functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        return self.mix(functional.relu(larger + self.lateral(fine)))


class PeopleMoveNet(MoveNet):
    """What it says of a person at stride 4, the second pyramid at strides 8 and 16, and MobileNetV2's last map.

    The second pyramid reads MoveNet's, its joints' logits and MobileNetV2's features. The finest map has logits of the
    joints of `OPEN36` (COCO's are MoveNet's own, which learnt them in photographs), their depths, logits of the
    background and 24 parts, U of the parts, V of the parts. With an `output_stride` of 4, 8 or 16 the last map has that
    stride and holds the finest one, whose cells become channels, and the coarsest, enlarged: for heads that read one.
    With 8 or 16, U and V are left out, which would be a third of the channels.

    Args:
        out_indices: which maps.
        in_chans: 3.
        channels: width of the second pyramid.
        output_stride: of the last map, at most.

    Raises:
        ValueError: as in `MoveNet`.
    """

    people_order: Tensor

    def __init__(
        self,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        in_chans: int = 3,
        channels: int = 96,
        output_stride: int | None = None,
    ) -> None:
        super().__init__(1.0, (0, 1, 2, 3), in_chans)
        last = self.feature_info.channels()[-1]
        own = [24 + JOINTS, 24, 32]
        self.people_top = nn.Sequential(nn.Conv2d(last, channels, 1, bias=False), nn.BatchNorm2d(channels))
        self.people_merge = nn.ModuleList(Merge(a + b, channels) for a, b in zip(own, self.trunk_widths, strict=True))
        number = {4: 1, 8: 2, 16: 3}.get(output_stride or 32, 4)
        maps = 2 * len(OPEN36) + 1 + 3 * PARTS
        self.people_maps = nn.Conv2d(channels + JOINTS, maps - JOINTS, 1)
        nn.init.normal_(self.people_maps.weight, std=0.01)
        self.people_joints = JointRefiner()
        joints = [name for name in OPEN36.joints if name not in COCO17.joints]
        sources = [*(COCO17.index(n) if n in COCO17.joints else JOINTS + joints.index(n) for n in OPEN36.joints)]
        order = torch.tensor([*sources, *range(JOINTS + len(joints), maps)])
        self.register_buffer("people_order", order, persistent=False)
        self.folded = output_stride if number < 4 else None
        self.wanted = [index % number for index in out_indices if -number <= index < number]
        widths, strides = [maps, channels, channels, last], [4, 8, 16, 32]
        self.kept = maps
        if self.folded:
            self.kept = maps if self.folded == 4 else maps - 2 * PARTS
            widths = [*widths[: number - 1], self.kept * (self.folded // 4) ** 2 + channels]
            strides = [*strides[: number - 1], self.folded]
        self.describe(widths, strides)
        if not self.folded and self.wanted == [3]:
            del self.top, self.lateral, self.merge, self.joint_features, self.joint_maps
            del self.people_top, self.people_merge, self.people_maps, self.people_joints

    @in_full_precision
    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """The maps that were asked for, from fine to coarse; see `MoveNet.forward`."""
        if not self.folded and self.wanted == [3]:
            return [self.trunk(image)[-1]]
        found = self.levels(image)
        own = [torch.cat([found.pyramid[0], found.joints], 1), *found.pyramid[1:]]
        top = features = self.people_top(found.last)
        maps = [found.last]
        for level in (2, 1, 0):
            features = self.people_merge[level](features, torch.cat([own[level], found.trunk[level]], 1))
            maps.insert(0, features)
        learnt = self.people_maps(torch.cat([maps[0], found.joints], 1))
        maps[0] = torch.cat([SHARPER * found.joints, learnt], 1)[:, self.people_order]
        if self.folded:
            maps = self.fold(maps, top)
        return [maps[index] for index in self.wanted]

    def fold(self, maps: list[Tensor], top: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """The maps that are finer than the `output_stride`, and the one that holds the finest and the coarsest."""
        stride = self.folded or 4
        step = stride // 4
        larger = functional.interpolate(top, scale_factor=32 / stride, mode="bilinear", align_corners=False)
        return [*maps[: step // 2], torch.cat([functional.pixel_unshuffle(maps[0][:, : self.kept], step), larger], 1)]

    def read(self, features: Float[Tensor, "batch channels height width"]) -> PersonMaps:
        """What the finest map says.

        Args:
            features: the finest map, or the one that holds it.
        """
        step = (self.folded or 4) // 4
        said = functional.pixel_shuffle(features[:, : self.kept * step**2], step)
        count = len(OPEN36)
        joints, depths, parts, surface = torch.split(
            said, [count, count, 1 + PARTS, self.kept - 2 * count - 1 - PARTS], 1
        )
        return PersonMaps(joints, depths, parts, surface, self.people_joints(joints, depths, parts))

    def load(self, state: dict[str, Tensor]) -> None:
        """As `MoveNet.load`; weights of a MoveNet alone leave the second pyramid as it is."""
        own = self.state_dict()
        kept = {key: value for key, value in state.items() if key in own}
        if not any(key.startswith(_SECOND) for key in state):
            kept |= {key: value for key, value in own.items() if key.startswith(_SECOND)}
        self.load_state_dict(kept, strict=True)
