"""Graphs over the joints, and convolutions on them (section 4.3, Eq. 6)."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from body.skeleton import SMPL24

_EXTRA_EDGES = (
    "neck-left_shoulder neck-right_shoulder "
    # two bones apart
    "pelvis-left_knee pelvis-right_knee right_hip-right_ankle left_hip-left_ankle right_knee-right_foot "
    "left_knee-left_foot spine1-spine3 pelvis-spine2 spine2-neck spine3-head spine2-left_collar spine3-left_shoulder "
    "left_collar-left_elbow left_shoulder-left_wrist left_elbow-left_hand spine2-right_collar spine3-right_shoulder "
    "right_collar-right_elbow right_shoulder-right_wrist right_elbow-right_hand "
    # side by side
    "left_hip-right_hip left_hip-spine1 right_hip-spine1 left_collar-right_collar neck-left_collar neck-right_collar"
)


def refinement_edges() -> Float[Tensor, "24 24"]:
    """1 where two joints are neighbours: by a bone, by two, or side by side (the release's 51 edges)."""
    edges = torch.zeros(len(SMPL24), len(SMPL24))
    pairs = list(SMPL24.bones)
    pairs += [tuple(SMPL24.index(end) for end in edge.split("-")) for edge in _EXTRA_EDGES.split()]  # type: ignore[misc]
    for first, second in pairs:
        edges[first, second] = edges[second, first] = 1.0
    return edges


def collection_graph() -> Float[Tensor, "24 24"]:
    """Row i averages the ancestors of joint i (Eq. 7); the root has none."""
    rows = torch.zeros(len(SMPL24), len(SMPL24))
    for joint, parent in enumerate(SMPL24.parent_indices):
        if joint != parent:
            rows[joint] = rows[parent]
            rows[joint, parent] = 1.0
    return row_normalised(rows)


def conversion_graph() -> Float[Tensor, "24 24"]:
    """Row i averages joint i, its parent and its children (Eq. 10)."""
    rows = torch.eye(len(SMPL24))
    for parent, child in SMPL24.bones:
        rows[parent, child] = rows[child, parent] = 1.0
    return row_normalised(rows)


def row_normalised(graph: Float[Tensor, "nodes nodes"]) -> Float[Tensor, "nodes nodes"]:
    """Rows that sum to 1; empty ones stay empty."""
    return graph / graph.sum(1, keepdim=True).clamp(min=1e-12)


def normalised(graph: Float[Tensor, "nodes nodes"]) -> Float[Tensor, "nodes nodes"]:
    """D^-1/2 A D^-1/2 with D the sums of the columns, as released; a joint whose column sums to 0 or less drops out."""
    degree = graph.sum(0)
    scale = torch.where(degree > 0, degree.clamp(min=1e-12).rsqrt(), 0.0)
    return scale[:, None] * graph * scale


class GraphLayer(nn.Module):
    """Z' = relu(norm(A Z W + b)), the batch norm per joint.

    Args:
        nodes: joints.
        in_channels: width of a node's feature.
        channels: width put out.
    """

    def __init__(self, nodes: int, in_channels: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_channels, channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.norm = nn.BatchNorm1d(nodes)
        nn.init.xavier_uniform_(self.weight, gain=2**0.5)

    def forward(
        self, graph: Float[Tensor, "nodes nodes"], features: Float[Tensor, "batch nodes inner"]
    ) -> Float[Tensor, "batch nodes outer"]:
        """One step along the edges of the graph."""
        return functional.relu(self.norm(graph @ (features @ self.weight) + self.bias))


class Refinement(nn.Module):
    """Graph convolutions over neighbouring joints with learned weights of the edges, added to their input (Eqs. 8, 9).

    Args:
        nodes: joints.
        widths: of the features, from the input's to the output's, which are the same.
        learned: whether the weights of the edges are; 1 otherwise (Table 10).
    """

    edges: Tensor

    def __init__(self, nodes: int, widths: list[int], learned: bool = True) -> None:
        super().__init__()
        self.edge_weights = nn.Parameter(torch.ones(nodes, nodes), requires_grad=learned)
        self.register_buffer("edges", refinement_edges(), persistent=False)
        self.layers = nn.ModuleList(GraphLayer(nodes, *pair) for pair in pairwise(widths))

    def forward(self, features: Float[Tensor, "batch nodes channels"]) -> Float[Tensor, "batch nodes channels"]:
        """Refined features."""
        own = torch.eye(len(self.edges), dtype=features.dtype, device=features.device)
        graph = normalised(own + self.edges * self.edge_weights.relu())
        refined = features
        for layer in self.layers:
            refined = layer(graph, refined)
        return features + refined
