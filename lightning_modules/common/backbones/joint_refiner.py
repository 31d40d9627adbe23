"""Joints put right by all that the backbone says of a person: where one is hidden or mistaken, the others tell."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from body.skeleton import COCO17, OPEN36
from lightning_modules.common.heatmaps import soft_argmax_nd
from lightning_modules.common.precision import full_precision

SHIFTS = tuple(0.5 if joint in COCO17.joints else 0.0 for joint in OPEN36.joints)
"""Cells by which a joint lies further right and down than its map says: MoveNet counts from the corners of cells."""
_COUNT, _LABELS = len(OPEN36), 25
_GEOMETRY = 10
"""Of a joint's numbers: expected x and y, most likely x and y, three of certainty, two depths and their spread."""
_FIRST = [0, 1, 2, 3, 4, 5, 7, 8]
"""Of these, what the second layer reads as it is."""
_FARTHEST = 4.0
"""Standard deviations beyond which a number says nothing more."""
_SHARE = 0.6
"""Of half the crop: farther, a joint is moved no longer in proportion."""
_CERTAIN = (-0.1, 0.05)
"""Of a joint that MoveNet learnt in photographs: the certainty that halves its move, and how soft that is."""
_SMALL = 1e-9


class Evidence(NamedTuple):
    """What maps say, as numbers; places in halves of the crop from its middle."""

    joints: Float[Tensor, "batch 36 35"]
    """The geometry (see `_GEOMETRY`), and the likelihood of the background and the parts where the joint is."""
    parts: Float[Tensor, "batch 125"]
    """Area, mean x, mean y, spread of x, spread of y of the background and the parts."""


class JointRefiner(nn.Module):
    """A perceptron that moves a backbone's joints; it starts by leaving them as they are.

    It learns from renderings. So where MoveNet, which learnt in photographs, is sure of a joint, this stays there.

    Args:
        width: numbers that a joint's evidence becomes.
        hidden: of the layers that see all joints.
    """

    def __init__(self, width: int = 12, hidden: int = 256) -> None:
        super().__init__()
        numbers = _GEOMETRY + _LABELS
        self.joints = nn.Parameter(torch.randn(_COUNT, numbers, width) / numbers**0.5)
        self.mix = nn.Linear(_COUNT * (width + len(_FIRST)) + 5 * _LABELS, hidden)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden))
            for _ in range(2)
        )
        self.moves = nn.Linear(hidden, 4 * _COUNT)
        nn.init.zeros_(self.moves.weight)
        nn.init.zeros_(self.moves.bias)
        for name, count in (("joints", numbers), ("parts", 5 * _LABELS)):
            self.register_buffer(f"{name}_mean", torch.zeros(count))
            self.register_buffer(f"{name}_spread", torch.ones(count))
        self.register_buffer("shifts", torch.tensor(SHIFTS)[:, None], persistent=False)

    joints_mean: Tensor
    joints_spread: Tensor
    parts_mean: Tensor
    parts_spread: Tensor
    shifts: Tensor

    def forward(
        self,
        joints: Float[Tensor, "batch 36 side side"],
        depths: Float[Tensor, "batch 36 side side"],
        parts: Float[Tensor, "batch 25 side side"],
    ) -> Float[Tensor, "batch 36 3"]:
        """`PersonMaps.places`, in float32; arguments as there."""
        with full_precision(joints):
            places = self.answer(self.describe(joints.float(), depths.float(), parts.float()))
            half = joints.shape[-1] / 2
            return torch.cat([(places[..., :2] + 1) * half, places[..., 2:]], -1)

    def describe(
        self,
        joints: Float[Tensor, "batch 36 side side"],
        depths: Float[Tensor, "batch 36 side side"],
        parts: Float[Tensor, "batch 25 side side"],
    ) -> Evidence:
        """What is read of the maps."""
        side = joints.shape[-1]
        logits, shares = joints.flatten(2), functional.softmax(parts, 1)
        likelihood = functional.softmax(logits, -1)
        best = logits.argmax(-1, keepdim=True)
        likely = torch.cat([best % side, torch.div(best, side, rounding_mode="floor")], -1)
        places = torch.cat([soft_argmax_nd(joints) + self.shifts, likely + self.shifts], -1) / (side / 2) - 1
        certain = likelihood.clamp(min=_SMALL).log()
        entropy = -(likelihood * certain).sum(-1)
        sure = torch.stack([logits.amax(-1) / 10, entropy / 5, certain.amax(-1) / 5], -1)
        deep = depths.flatten(2)
        mean = (likelihood * deep).sum(-1)
        spread = ((likelihood * deep.square()).sum(-1) - mean.square()).clamp(min=_SMALL).sqrt()
        depth = torch.stack([mean, deep.gather(2, best).squeeze(-1)], -1)
        depth = 2 * torch.cat([depth - depth[:, OPEN36.root_index, None], spread.unsqueeze(-1)], -1)
        around = likelihood @ shares.flatten(2).mT
        return Evidence(torch.cat([places, sure, depth, around], -1), _moments(shares))

    def answer(self, evidence: Evidence) -> Float[Tensor, "batch 36 3"]:
        """X and y in halves of the crop from its middle, depth in metres."""
        numbers = ((evidence.joints - self.joints_mean) / self.joints_spread).clamp(-_FARTHEST, _FARTHEST)
        areas = ((evidence.parts - self.parts_mean) / self.parts_spread).clamp(-_FARTHEST, _FARTHEST)
        own = functional.gelu(torch.einsum("bjn,jnw->bjw", numbers, self.joints))
        hidden = torch.cat([torch.cat([own, numbers[..., _FIRST]], -1).flatten(1), areas], 1)
        hidden = functional.gelu(self.mix(hidden))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        moves = torch.unflatten(self.moves(hidden), 1, (_COUNT, 4))
        share = _SHARE * torch.sigmoid(moves[..., 3:4] - 2)
        middle, width = _CERTAIN
        unsure = torch.sigmoid((middle - evidence.joints[..., 4:5]) / width)
        share = torch.where(self.shifts > 0, share * unsure, share)
        across = evidence.joints[..., :2] + share * moves[..., :2]
        return torch.cat([across, evidence.joints[..., 7:8] / 2 + 0.2 * moves[..., 2:3]], -1)


def _moments(shares: Float[Tensor, "batch 25 side side"]) -> Float[Tensor, "batch 125"]:
    """See `Evidence.parts`."""
    side = shares.shape[-1]
    axis = torch.arange(side, dtype=shares.dtype, device=shares.device) / (side / 2) - 1
    columns, rows = shares.sum(2), shares.sum(3)
    area = rows.sum(-1).clamp(min=1e-6)
    means = [profile @ axis / area for profile in (columns, rows)]
    squares = [profile @ axis.square() / area for profile in (columns, rows)]
    spreads = [(s - m.square()).clamp(min=_SMALL).sqrt() for s, m in zip(squares, means, strict=True)]
    return torch.cat([area / side**2 * 10, *means, *spreads], 1)
