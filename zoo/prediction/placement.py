"""A body placed where its joints appear as they were predicted, and not by its root alone.

A method may predict joints and, apart from them, a body, and put its root where theirs is. In a portrait the hips are
out of the image, so the whole body would lie where they are guessed to be.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import backproject
from datamodules.batch import Batch
from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction

_ROUNDS = 8
_NEAR = 0.1
"""Metres from which on a joint that is not where it was predicted counts less."""
_KEEPS_DEPTH = 0.001
"""How much the depth that it had counts, in parts of what the joints say of it."""
_CLOSEST = 0.2
"""Metres; a camera is no nearer to a body's root."""
OWN_DEPTHS = ("bones", "box", "camera")
"""Sources of a root's depth that are the method's own guess, which the body's size corrects."""


def place(model: PoseModule, prediction: Prediction, batch: Batch) -> Prediction:
    """The model's prediction for a batch as an image shows it: see `place_on_joints`, for methods that need it."""
    if model.placing_regressor is None or prediction.vertices is None:
        return prediction
    return place_on_joints(prediction, model.placing_regressor, batch["intrinsics"])


def place_on_joints(
    prediction: Prediction, regressor: Float[Tensor, "joints vertices"], intrinsics: Float[Tensor, "batch 3 3"]
) -> Prediction:
    """The prediction with its bodies moved to the translation that best shows their joints at `joints_2d`.

    Linear least squares in the rays of the joints; joints that are far off, such as those out of the image, count
    little (a Cauchy weight, in rounds). If the depth is the method's own guess, the body's size corrects it, and the
    joints are scaled about the camera so that they stay with it; their pixels stay.

    Args:
        prediction: with vertices.
        regressor: joints of its skeleton from its vertices.
        intrinsics: camera of the image of each person, pixels.
    """
    assert prediction.vertices is not None
    own = torch.einsum("jv,bvc->bjc", regressor.to(prediction.vertices), prediction.vertices).double()
    ones = torch.ones_like(own[..., 2])
    rays = backproject(prediction.joints_2d.double(), ones, intrinsics.double())[..., :2]
    has_depth = prediction.root_depth_source in OWN_DEPTHS
    moved = _translation(own, rays, moves_depth=has_depth).to(prediction.joints)
    root = own[:, prediction.skeleton.root_index, 2].to(moved)
    moved = torch.where((root + moved[:, 2] > _CLOSEST)[:, None] & moved.isfinite(), moved, 0)
    smpl = prediction.smpl
    if smpl is not None and smpl.transl is not None:
        smpl = replace(smpl, transl=smpl.transl + moved)
    factor = (root + moved[:, 2]) / root
    return replace(
        prediction,
        vertices=prediction.vertices + moved[:, None],
        joints=prediction.joints * factor[:, None, None],
        smpl=smpl,
    )


def _translation(
    joints: Float[Tensor, "batch joints 3"], rays: Float[Tensor, "batch joints 2"], moves_depth: bool
) -> Float[Tensor, "batch 3"]:
    """What is added to the joints, so that (x + a, y + b) = ray (z + c) for those that can have it."""
    batch, count = joints.shape[:2]
    rows = torch.zeros(batch, count, 2, 3, dtype=joints.dtype, device=joints.device)
    rows[..., 0, 0] = rows[..., 1, 1] = 1
    if moves_depth:
        rows[..., 2] = -rays
    missing = rays * joints[..., 2:] - joints[..., :2]
    weights = torch.ones_like(joints[..., 0])
    size = torch.tensor([0.0, 0.0, _KEEPS_DEPTH if moves_depth else 1.0]).to(joints)
    for _ in range(_ROUNDS):
        squares = torch.einsum("bj,bjik,bjil->bkl", weights, rows, rows)
        squares = squares + torch.diag(size) * weights.sum(1)[:, None, None]
        right = torch.einsum("bj,bjik,bji->bk", weights, rows, missing)
        moved = torch.linalg.solve(squares, right)
        left = missing - torch.einsum("bjik,bk->bji", rows, moved)
        weights = 1 / (1 + left.square().sum(-1) / _NEAR**2)
    return moved
