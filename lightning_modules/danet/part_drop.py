"""What is dropped from the IUV maps between the stages in training (section 4.2, "Part-based Dropout")."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.danet.charts import PARTS
from lightning_modules.danet.config import Drop
from lightning_modules.danet.iuv import IuvMaps, harden_iuv

_BLOCK = 7


def dropped_parts(batch: int, rate: float, device: torch.device | None = None) -> Bool[Tensor, "batch 25"]:
    """Parts that every sample loses, each with the same probability; never the background."""
    drawn = torch.rand(batch, PARTS + 1, device=device) < rate
    drawn[:, 0] = False
    return drawn


def drop_channels(maps: IuvMaps, dropped: Bool[Tensor, "*batch channels"]) -> IuvMaps:
    """Maps with whole channels set to zero (Eq. 5)."""
    keep = ~dropped[..., None, None]
    return IuvMaps(*(values * keep for values in maps))


def drop_pixels(maps: IuvMaps, dropped: Bool[Tensor, "*batch height width"]) -> IuvMaps:
    """Maps with whole pixels of the foreground set to zero."""
    foreground = maps.labels() > 0
    keep = ~(dropped & foreground).unsqueeze(-3)
    return IuvMaps(*(values * keep for values in maps))


def block_mask(like: Float[Tensor, "*batch height width"], rate: float) -> Bool[Tensor, "*batch height width"]:
    """Squares of 7 x 7 pixels (DropBlock) that cover any pixel with probability `rate`, also at the border."""
    reach = _BLOCK // 2
    seeds = 1 - (1 - rate) ** (1 / _BLOCK**2)
    shape = (*like.shape[:-2], like.shape[-2] + 2 * reach, like.shape[-1] + 2 * reach)
    drawn = (torch.rand(shape, device=like.device) < seeds).float()
    covered = functional.max_pool2d(drawn.flatten(0, -3).unsqueeze(1), _BLOCK, stride=1)
    return covered.view(like.shape) > 0


class PartDrop(nn.Module):
    """Cleans the maps of both stages' seam and, in training, drops a part of them.

    Args:
        kind: see `DaNetConfig.drop`.
        rate: see `DaNetConfig.drop_rate`.
        joint_parts: part of every channel of the joints' maps, without the background.
    """

    joint_parts: Tensor

    def __init__(self, kind: Drop, rate: float, joint_parts: Int[Tensor, "joints slots"]) -> None:
        super().__init__()
        self.kind, self.rate = kind, rate
        self.register_buffer("joint_parts", functional.pad(joint_parts, (1, 0)), persistent=False)

    def forward(self, iuv: IuvMaps, partial: IuvMaps | None) -> tuple[IuvMaps, IuvMaps | None]:
        """Clean maps of the body and of its joints, from logits; both lose the same parts."""
        if not self.training or self.kind == "none" or self.rate == 0:
            return harden_iuv(iuv), None if partial is None else harden_iuv(partial)
        if self.kind in ("part", "part_release"):
            return self.without(iuv, partial, dropped_parts(len(iuv.part), self.rate, iuv.part.device))
        body = self._without_pixels(harden_iuv(iuv))
        return body, None if partial is None else self._without_pixels(harden_iuv(partial))

    def without(
        self, iuv: IuvMaps, partial: IuvMaps | None, dropped: Bool[Tensor, "batch 25"]
    ) -> tuple[IuvMaps, IuvMaps | None]:
        """Clean maps without the given parts."""
        if self.kind == "part":
            body = drop_channels(harden_iuv(iuv), dropped)
            return body, None if partial is None else drop_channels(harden_iuv(partial), dropped[:, self.joint_parts])
        body = harden_iuv(drop_channels(iuv, dropped))
        return body, None if partial is None else harden_iuv(drop_channels(partial, dropped[:, self.joint_parts]))

    def _without_pixels(self, maps: IuvMaps) -> IuvMaps:
        like = maps.part[..., 0, :, :]
        if self.kind == "block":
            return drop_pixels(maps, block_mask(like, self.rate))
        return drop_pixels(maps, torch.rand_like(like) < self.rate)
