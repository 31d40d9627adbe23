"""The early version's aggregation: recurrent networks along the trunk and the limbs."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from body.skeleton import SMPL24
from lightning_modules.danet.pooling import CHILDREN, PARENTS

TRUNK: tuple[int, ...] = (0, 3, 6, 9)
HEAD = (12, 15)
ARMS: tuple[tuple[int, ...], ...] = ((13, 16, 18, 20, 22), (14, 17, 19, 21, 23))
LEGS: tuple[tuple[int, ...], ...] = ((1, 4, 7, 10), (2, 5, 8, 11))
_ORDER = (*TRUNK, *HEAD, *ARMS[0], *ARMS[1], *LEGS[0], *LEGS[1])
_SHOULDERS = TRUNK[-1]

State = tuple[Tensor, Tensor]


class Features(NamedTuple):
    """What is known of every joint before and after refinement; no positions where they have no space of their own."""

    rotations: Float[Tensor, "batch joints channels"]
    refined: Float[Tensor, "batch joints channels"]
    positions: Float[Tensor, "batch joints channels"] | None = None
    refined_positions: Float[Tensor, "batch joints wide"] | None = None


def layers(*widths: int) -> nn.Sequential:
    """Linear layers, each with batch norm and ReLU."""
    steps: list[nn.Module] = []
    for before, after in pairwise(widths):
        steps += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*steps)


class LimbLSTM(nn.Module):
    """Positions from each parent's position and rotation, bidirectional LSTMs along the limbs, and back to rotations.

    As released: the trunk's memory is handed to head and arms; legs start without; the joint from which both arms set
    out keeps what the right arm's network says about it.

    Args:
        joints: SMPL's 24.
        width: of a rotation feature.
    """

    def __init__(self, joints: int, width: int) -> None:
        super().__init__()
        self.position_width, self.refined_position_width = width, 2 * width
        self.collect = nn.ModuleList(layers(2 * width, 4 * width, width) for _ in range(joints))
        names = ("trunk", "left_arm", "right_arm", "left_leg", "right_leg")
        self.limbs = nn.ModuleDict(
            {name: nn.LSTM(width, width, batch_first=True, bidirectional=True) for name in names}
        )
        self.convert = layers(6 * width, 8 * width, width)

    def forward(self, rotations: Float[Tensor, "batch joints channels"]) -> Features:
        """The three steps."""
        positions = self.positions(rotations)
        refined = torch.cat([positions, positions], -1) + self.refine(positions)
        family = [refined[:, list(others)] for others in (PARENTS, range(len(SMPL24)), CHILDREN)]
        converted = self.convert(torch.cat(family, -1).flatten(0, 1)).view_as(rotations)
        return Features(rotations, converted, positions, refined)

    def positions(self, rotations: Float[Tensor, "batch joints channels"]) -> Float[Tensor, "batch joints channels"]:
        """Position features, from the root outwards."""
        known = {0: rotations[:, 0]}
        for joint in _ORDER:
            parent = PARENTS[joint]
            known[joint] = self.collect[joint](torch.cat([known[parent], rotations[:, parent]], -1))
        return torch.stack([known[joint] for joint in range(rotations.shape[1])], 1)

    def refine(self, positions: Float[Tensor, "batch joints channels"]) -> Float[Tensor, "batch joints twice"]:
        """What the LSTMs say about every joint."""
        said: dict[int, Tensor] = {}

        def run(limb: str, joints: tuple[int, ...], start: State | None) -> State:
            answer, state = self.limbs[limb](positions[:, list(joints)], start)
            said.update({joint: answer[:, place] for place, joint in enumerate(joints)})
            return state

        trunk = run("trunk", TRUNK, None)
        root = said[0]
        run("trunk", HEAD, trunk)
        for limb, joints in zip(("left_arm", "right_arm"), ARMS, strict=True):
            run(limb, (_SHOULDERS, *joints), trunk)
        for limb, joints in zip(("left_leg", "right_leg"), LEGS, strict=True):
            run(limb, (0, *joints), None)
        said[0] = root
        return torch.stack([said[joint] for joint in range(positions.shape[1])], 1)
