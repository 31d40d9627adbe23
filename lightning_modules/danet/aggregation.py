"""Rotation features of single joints become those of a body (section 4.3), and rotations."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightning_modules.danet.chain import Features, LimbLSTM
from lightning_modules.danet.config import AggregationKind
from lightning_modules.danet.graph import GraphLayer, Refinement, collection_graph, conversion_graph


class PositionGraph(nn.Module):
    """Position-aided refinement: ancestors' rotations to positions, refinement there, and back (Eqs. 7 to 10).

    Args:
        joints: how many.
        width: of a rotation feature.
        learned_edges: see `Refinement`.
    """

    collection: Tensor
    conversion: Tensor

    def __init__(self, joints: int, width: int, learned_edges: bool = True) -> None:
        super().__init__()
        self.position_width, self.refined_position_width = width, width
        self.register_buffer("collection", collection_graph(), persistent=False)
        self.register_buffer("conversion", conversion_graph(), persistent=False)
        self.collect = GraphLayer(joints, width, width)
        self.refine = Refinement(joints, [width, 2 * width, 2 * width, width], learned_edges)
        self.convert = GraphLayer(joints, width, width)

    def forward(self, rotations: Float[Tensor, "batch joints channels"]) -> Features:
        """The three steps."""
        positions = self.collect(self.collection, rotations)
        refined = self.refine(positions)
        return Features(rotations, self.convert(self.conversion, refined), positions, refined)


class DirectGraph(nn.Module):
    """Refinement among the rotation features themselves, with as many layers as the three steps together (Table 9)."""

    position_width, refined_position_width = 0, 0

    def __init__(self, joints: int, width: int, learned_edges: bool = True) -> None:
        super().__init__()
        self.refine = Refinement(joints, [width, *[2 * width] * 4, width], learned_edges)

    def forward(self, rotations: Float[Tensor, "batch joints channels"]) -> Features:
        """Refined rotation features."""
        return Features(rotations, self.refine(rotations))


class NoRefinement(nn.Module):
    """Every joint for itself."""

    position_width, refined_position_width = 0, 0

    def forward(self, rotations: Float[Tensor, "batch joints channels"]) -> Features:
        """The features as they are."""
        return Features(rotations, rotations)


class JointAnswers(nn.Module):
    """A linear layer of its own for every joint.

    Args:
        joints: how many.
        in_channels: width of a joint's feature.
        answers: numbers per joint.
    """

    def __init__(self, joints: int, in_channels: int, answers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(joints * answers, in_channels))
        self.bias = nn.Parameter(torch.zeros(joints * answers))
        self.answers = answers
        nn.init.xavier_uniform_(self.weight, gain=0.01)

    def forward(self, features: Float[Tensor, "batch joints channels"]) -> Float[Tensor, "batch joints answers"]:
        """Numbers of every joint."""
        weight = self.weight.view(-1, self.answers, features.shape[-1])
        return torch.einsum("bjc,jac->bja", features, weight) + self.bias.view(-1, self.answers)


class Aggregation(nn.Module):
    """Refinement, and what rotations and positions are read off with.

    Args:
        kind: see `DaNetConfig.aggregation`.
        joints: how many.
        width: of a rotation feature.
        numbers: per rotation: 6 or 9.
        learned_edges: see `Refinement`, for the kinds with a graph.
    """

    def __init__(
        self, kind: AggregationKind, joints: int, width: int, numbers: int, learned_edges: bool = True
    ) -> None:
        super().__init__()
        self.refinement = _refinement(kind, joints, width, learned_edges)
        self.rotation = JointAnswers(joints, width, numbers)
        refines = kind != "none"
        self.first_rotation = JointAnswers(joints, width, numbers) if refines else None
        places = refines and kind not in ("direct", "implicit")
        widths = (self.refinement.position_width, self.refinement.refined_position_width)
        self.position = nn.ModuleList(JointAnswers(joints, width, 3) for width in widths) if places else None

    def forward(self, rotations: Float[Tensor, "batch joints channels"]) -> Features:
        """Refined features."""
        return self.refinement(rotations)


def _refinement(
    kind: AggregationKind, joints: int, width: int, learned_edges: bool
) -> PositionGraph | DirectGraph | LimbLSTM | NoRefinement:
    if kind == "none":
        return NoRefinement()
    if kind == "lstm":
        return LimbLSTM(joints, width)
    return (DirectGraph if kind == "direct" else PositionGraph)(joints, width, learned_edges)
