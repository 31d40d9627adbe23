"""Which SMPL fits do not meet the 3D joints that were measured."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from body.model import BodyModel
from body.skeleton import H36M17, Skeleton
from datamodules.aliases import JointRule, same_joints
from datamodules.batch import Batch


def inaccurate_fits(
    batch: Batch,
    vertices: Float[Tensor, "batch vertices 3"],
    body: BodyModel,
    skeleton: Skeleton,
    rule: JointRule | None,
    limit: float,
) -> Bool[Tensor, " batch"]:
    """Fits whose joints are farther than a limit from the annotated ones, on average over the joints.

    Both sets are moved together by their means first. I2L-MeshNet's released code trains on no fit beyond 25 mm; it
    compares all of Human3.6M's joints, here those that `skeleton` has.

    Args:
        batch: with joints in `skeleton`.
        vertices: of the fits, camera frame, metres.
        body: whose vertices they are; it needs a regressor for Human3.6M's joints.
        skeleton: joint set of the batch.
        rule: for joints taken for the same joint, see `datamodules.aliases`.
        limit: metres.

    Returns:
        False where there is no fit or no joint to compare.
    """
    positions = torch.tensor(H36M17.positions_of(skeleton, same_joints(rule, H36M17, skeleton)), device=vertices.device)
    fitted = body.regress(vertices, H36M17.name)[:, positions.clamp(min=0)]
    compared = (batch["joints_valid"] & (positions >= 0)).unsqueeze(-1)
    count = compared.sum(1, keepdim=True).clamp(min=1)
    apart = (fitted - batch["joints"]) * compared
    apart = (apart - apart.sum(1, keepdim=True) / count) * compared
    return batch["smpl_valid"] & (apart.norm(dim=-1).sum(1) / count[:, 0, 0] > limit)
