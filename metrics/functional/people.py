"""MuPoTS-3D's rules: who is matched with whom, and bones brought to their true lengths."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from metrics.functional.distance import MILLIMETRES

MATCH_PIXELS = 40.0
ROOT_MILLIMETRES = 250.0
"""AP_root25: a root within 25 cm is found."""


def match_people(
    prediction: Float[Tensor, "predicted joints 2"],
    target: Float[Tensor, "annotated joints 2"],
    threshold: float = MATCH_PIXELS,
) -> Int64[Tensor, " annotated"]:
    """The prediction that stands for each annotated person of an image, or -1.

    Args:
        prediction: joints of the predicted people that the matching looks at, pixels.
        target: the same joints of the annotated people.
        threshold: pixels.

    Convention:
        Greedy, in the order of the annotations: each takes, of the predictions not taken yet, the one with the most
        joints nearer than `threshold` (strict) in x **and** in y, the first of several; none when no joint is. A
        predicted joint at exactly (0, 0) is one that the method did not find, and NaN is never near.
    """
    present = (prediction != 0).any(-1)
    near = ((prediction[None] - target[:, None]).abs() < threshold).all(-1) & present
    votes = near.sum(-1)
    match = torch.full((len(target),), -1, dtype=torch.int64, device=target.device)
    for person in range(len(target) if len(prediction) else 0):
        best = int(votes[person].argmax())
        if votes[person, best] > 0:
            match[person] = best
            votes[:, best] = 0
    return match


def rescale_bones(
    prediction: Float[Tensor, "batch joints 3"],
    target: Float[Tensor, "batch joints 3"],
    parents: Sequence[int],
) -> Float64[Tensor, "batch joints 3"]:
    """Predicted poses with the bones of the true ones: each keeps its direction and takes the true length.

    Args:
        prediction: predicted joints.
        target: true joints.
        parents: position of each joint's parent; the root, which stays where it is, is its own.

    Convention:
        Any unit and frame. The size of the prediction therefore never matters. A predicted bone without length has no
        direction: its joint and all that hang from it become NaN, which 3DPCK counts as misses.
    """
    posed, target = prediction.double().clone(), target.double()
    above = list(parents)
    length = torch.linalg.vector_norm(target - target[:, above], dim=-1, keepdim=True)
    bone = posed - posed[:, above]
    step = length * bone / torch.linalg.vector_norm(bone, dim=-1, keepdim=True)

    def depth(joint: int) -> int:
        return 0 if above[joint] == joint else 1 + depth(above[joint])

    for joint in sorted(range(len(above)), key=depth):
        if above[joint] != joint:
            posed[:, joint] = posed[:, above[joint]] + step[:, joint]
    return posed


def match_roots(
    prediction: Float[Tensor, "predicted 3"],
    target: Float[Tensor, "annotated 3"],
    scores: Float[Tensor, " predicted"],
    threshold: float = ROOT_MILLIMETRES,
) -> Bool[Tensor, " predicted"]:
    """Predicted roots of an image that found an annotated one.

    Args:
        prediction: predicted roots, camera frame, metres.
        target: annotated roots, at least one.
        scores: confidence of each prediction.
        threshold: millimetres.

    Convention:
        From the highest score down, each prediction looks at its nearest annotation only, and has found it when it is
        **below** the threshold and no earlier one has found it (RootNet's AP_root). NaN finds nothing.
    """
    apart = MILLIMETRES * torch.cdist(prediction.double(), target.double(), compute_mode="donot_use_mm_for_euclid_dist")
    distance, nearest = apart.nan_to_num(torch.inf).min(1)
    correct = torch.zeros(len(prediction), dtype=torch.bool, device=target.device)
    taken = torch.zeros(len(target), dtype=torch.bool, device=target.device)
    for person in scores.argsort(descending=True, stable=True).tolist():
        annotation = nearest[person]
        correct[person] = (distance[person] < threshold) & ~taken[annotation]
        taken[annotation] |= correct[person]
    return correct
