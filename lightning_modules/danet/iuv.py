"""IUV maps: which part every pixel shows, and where on the part's chart it is.

Convention:
    Channel 0 is the background, the others are parts; U and V lie in [0, 1] where their part is seen. A map of a joint
    keeps a few parts only (`charts.Charts.joint_parts`), in the order of its slots.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from lightning_modules.danet.charts import PARTS


class IuvMaps(NamedTuple):
    """U, V and Index of every pixel, one channel per part.

    As the network gives them: real numbers and logits. After `harden_iuv`, and as labels: zero in all channels but one.
    """

    u: Float[Tensor, "*batch channels height width"]
    v: Float[Tensor, "*batch channels height width"]
    part: Float[Tensor, "*batch channels height width"]
    """The paper's Index."""

    @classmethod
    def unstacked(cls, maps: Float[Tensor, "*batch 3 channels height width"]) -> IuvMaps:
        """From one tensor."""
        return cls(*maps.unbind(-4))

    def stacked(self) -> Float[Tensor, "*batch channels3 height width"]:
        """As the channels of one image: first U, then V, then Index."""
        return torch.cat(self, -3)

    def labels(self) -> Int[Tensor, "*batch height width"]:
        """The channel with the largest Index; the first one of equals."""
        return self.part.max(-3).indices  # a quarter of the time that argmax takes on a CPU


class TrueIuv(NamedTuple):
    """What a network that reads labels is shown (`representation: true`)."""

    maps: IuvMaps
    places: Float[Tensor, "batch joints 2"]
    """Of SMPL's joints in [-1, 1], around which the windows lie."""


def harden_iuv(maps: IuvMaps) -> IuvMaps:
    """Index becomes exactly one-hot, U and V vanish but for the winning channel; they keep their gradients.

    U and V of a background pixel are those of channel 0, which training pulls to zero.
    """
    winner = maps.labels().unsqueeze(-3)
    one_hot = torch.zeros_like(maps.part).scatter_(-3, winner, 1.0)
    return IuvMaps(maps.u * one_hot, maps.v * one_hot, one_hot)


def maps_of_labels(
    part: Int[Tensor, "batch height width"],
    u: Float[Tensor, "batch height width"],
    v: Float[Tensor, "batch height width"],
) -> IuvMaps:
    """Labels as maps of 25 channels: I_c is 1 where the part is c, U_c = I_c u, V_c = I_c v."""
    one_hot = torch.zeros(part.shape[0], PARTS + 1, *part.shape[1:], dtype=u.dtype, device=u.device)
    one_hot.scatter_(1, part.long().unsqueeze(1), 1.0)
    return IuvMaps(one_hot * u.unsqueeze(1), one_hot * v.unsqueeze(1), one_hot)


def maps_of_bytes(iuv: UInt8[Tensor, "batch 3 labels labels"], size: int) -> IuvMaps:
    """A batch's labels (part, U and V in 0..255) as maps of `size` pixels; a pixel takes its middle's label.

    Raises:
        ValueError: the labels are not a whole number of times as large as the maps.
    """
    step, rest = divmod(iuv.shape[-1], size)
    if rest or not step:
        raise ValueError(f"labels of {iuv.shape[-1]} pixels do not fit maps of {size}; set crops.iuv_size: {size}")
    picked = iuv[..., step // 2 :: step, step // 2 :: step]
    return maps_of_labels(picked[:, 0].long(), picked[:, 1].float() / 255, picked[:, 2].float() / 255)


def image_of_maps(
    maps: IuvMaps,
    parts: Int[Tensor, " channels"] | None = None,
    coarse: Float[Tensor, "batch 15 height width"] | None = None,
) -> Float[Tensor, "batch 3 height width"]:
    """A picture for people: part / 24, U and V of the winning channel; black where it is the background.

    Args:
        maps: global ones, or those of one joint.
        parts: part of every channel, for maps of a joint.
        coarse: logits of the coarse mask; black, too, where they say background.
    """
    winner = maps.labels().unsqueeze(1)
    part = winner if parts is None else parts.to(winner.device)[winner]
    inside = winner > 0
    if coarse is not None:
        inside = inside & (coarse.argmax(1, keepdim=True) > 0)
    u, v = (values.gather(1, winner) * inside for values in (maps.u, maps.v))
    return torch.cat([(part * inside).to(u.dtype) / PARTS, u, v], 1)


def simplify(maps: IuvMaps, kept: Int[Tensor, "joints slots"]) -> Float[Tensor, "batch joints 3 channels height width"]:
    """Label maps of every joint: the parts that it keeps, and background where none of them is."""
    picked = [values[:, kept.to(values.device)] for values in maps]
    elsewhere = (picked[2].sum(2, keepdim=True) < 0.5).to(maps.part.dtype)
    nothing = torch.zeros_like(elsewhere)
    backgrounds = (nothing, nothing, elsewhere)
    return torch.stack([torch.cat(pair, 2) for pair in zip(backgrounds, picked, strict=True)], 2)
