"""A small protocol, batches and predictions for the evaluation's tests."""

from dataclasses import dataclass, field, replace

import torch

from body.skeleton import SMPL24, Skeleton
from metrics import PROTOCOLS

PLAIN = replace(PROTOCOLS["open-v1"], id="plain", regressor=None, target_regressor=None)
ACTIONS = ("walking", "sitting", "reaching")


@dataclass
class Guess:
    """What a method returns."""

    joints: torch.Tensor
    skeleton: Skeleton = SMPL24
    vertices: torch.Tensor | None = None
    joints_2d: torch.Tensor | None = None
    faces: None = None
    smpl: None = None
    intermediates: dict = field(default_factory=dict)


def make_batch(indices, vertices=30):
    """Deterministic labels and predictions per index, so that any split into batches gives the same samples."""
    rows = {"joints": [], "vertices": [], "guess": [], "mesh": []}
    for index in indices:
        generator = torch.Generator().manual_seed(1000 + index)
        joints, mesh = (torch.randn(n, 3, generator=generator) * 0.3 for n in (24, vertices))
        noise = 0.02 + 0.01 * index
        offset = torch.tensor([0.1, -0.2, 4.0])
        rows["joints"].append(joints + offset)
        rows["vertices"].append(mesh + offset)
        rows["guess"].append(joints + noise * torch.randn(24, 3, generator=generator) + offset * 1.1)
        rows["mesh"].append(mesh + noise * torch.randn(vertices, 3, generator=generator) + offset * 1.1)
    stacked = {key: torch.stack(value) for key, value in rows.items()}
    count = len(stacked["joints"])
    batch = {
        "joints": stacked["joints"],
        "joints_valid": torch.ones(count, 24, dtype=torch.bool),
        "vertices": stacked["vertices"],
        "vertices_valid": torch.ones(count, dtype=torch.bool),
        "index": torch.tensor(list(indices)),
        "action": [ACTIONS[i % 3] for i in indices],
        "sequence": [f"sequence/{i % 2}" for i in indices],
    }
    return Guess(stacked["guess"], vertices=stacked["mesh"]), batch
