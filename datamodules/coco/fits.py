"""Which SMPL fits of COCO people I2L-MeshNet trains with: those whose joints meet the keypoints.

A fit is left out when its joints, projected, are more than 3 pixels of the 64-pixel heat map from the labelled
keypoints on average. That is the released code's rule; the paper does not mention it.

Convention:
    Joints are COCO's 17 and the midpoint of the hips. The released code takes the product of the two hips' depths for
    the depth of the fit's midpoint, instead of their mean, so it puts that joint close to the principal point and
    leaves out good fits of people who stand far from it (`release`). Example: hips at 30 m project as if at 900 m.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float

from body.assets import find_asset
from body.model import BodyModel
from body.skeleton import COCO17
from datamodules.annotations import Annotations

LIMIT = 3.0
"""Largest mean distance, pixels of the heat map."""
_BINS, _MARGIN = 64, 1.25
_REGRESSOR = "body_models/smpl/J_regressor_coco_hip_smpl.npy"
_CHUNK = 256
_HIPS = [COCO17.index("left_hip"), COCO17.index("right_hip")]


def fit_errors(
    joints: Float[np.ndarray, "rows 17 3"],
    pixels: Float[np.ndarray, "rows 17 2"],
    valid: Bool[np.ndarray, "rows 17"],
    intrinsics: Float[np.ndarray, "rows 4"],
    boxes: Float[np.ndarray, "rows 4"],
    release: bool = False,
) -> Float[np.ndarray, " rows"]:
    """Mean distance of the projected joints of fits from the keypoints; NaN for a person without any.

    Args:
        joints: COCO's joints of the fitted bodies, camera frame, metres.
        pixels: keypoints.
        valid: which of them are labelled.
        intrinsics: cameras of the fits (fx, fy, cx, cy), pixels.
        boxes: (x, y, width, height), tight.
        release: the midpoint of the hips as the released code makes it.

    Returns:
        Pixels of the heat map of an unaugmented crop. (The released code measures in the augmented crop, where the
        number is divided by the crop's random scale, 0.75 to 1.25.)
    """
    hips = joints[:, _HIPS]
    pelvis = hips.mean(1)
    if release:
        pelvis[:, 2] = hips[..., 2].prod(1)
    found = np.concatenate([joints, pelvis[:, None]], 1)
    projected = found[..., :2] / found[..., 2:] * intrinsics[:, None, :2] + intrinsics[:, None, 2:]
    truth = np.concatenate([pixels, pixels[:, _HIPS].mean(1, keepdims=True)], 1)
    labelled = np.concatenate([valid, valid[:, _HIPS].all(1, keepdims=True)], 1)
    distance = np.linalg.norm(projected - truth, axis=-1)
    with np.errstate(invalid="ignore"):
        mean = np.where(labelled, distance, 0.0).sum(1) / labelled.sum(1)
    return mean * _BINS / (boxes[:, 2:].max(1) * _MARGIN)


def reject_poor_fits(table: Annotations, body: BodyModel, release: bool = False) -> Annotations:
    """The same people, without the fits that do not meet their keypoints.

    The joints come from the authors' regressor where `$ZOO_ASSETS/body_models/smpl/J_regressor_coco_hip_smpl.npy` is
    there (published with I2L-MeshNet) and the body is SMPL, else from the body's own `coco17`. Posing takes about a
    millisecond per fit.

    Args:
        table: people in `coco17` or a skeleton that begins with it, with fits.
        body: what the fits are of.
        release: see `fit_errors`.

    Raises:
        ValueError: the table has no fits or keypoints.
    """
    fitted, pixels, valid = table.smpl_valid, table.joints_2d, table.joints_2d_valid
    if fitted is None or pixels is None or valid is None:
        raise ValueError("only people with fits and keypoints can be checked")
    rows = np.flatnonzero(fitted)
    errors = np.concatenate(
        [
            fit_errors(
                joints,
                pixels[part, : len(COCO17)].astype(np.float64),
                valid[part, : len(COCO17)],
                table.intrinsics[part].astype(np.float64),
                table.boxes[part].astype(np.float64),
                release,
            )
            for part, joints in _posed(table, rows, body)
        ]
        or [np.zeros(0)]
    )
    kept = np.zeros_like(fitted)
    kept[rows] = errors <= LIMIT
    return replace(table, smpl_valid=kept)


@torch.no_grad()
def _posed(
    table: Annotations, rows: np.ndarray, body: BodyModel
) -> Iterator[tuple[np.ndarray, Float[np.ndarray, "part 17 3"]]]:
    """Some rows at a time, and COCO's joints of their fits."""
    regressor = _regressor(body)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        columns = (table.pose, table.betas, table.transl)
        parameters = [torch.from_numpy(column[part]).float() for column in columns if column is not None]
        yield part, (regressor @ body(*parameters).vertices).double().numpy()


def _regressor(body: BodyModel) -> Float[torch.Tensor, "17 vertices"]:
    path = find_asset(_REGRESSOR)
    if path is None or body.num_vertices != 6890:
        return body.joint_regressor(COCO17.name)
    matrix = np.load(path, allow_pickle=False)
    if matrix.shape != (len(COCO17), body.num_vertices):
        raise ValueError(f"{path} must be ({len(COCO17)}, {body.num_vertices}), not {matrix.shape}")
    return torch.from_numpy(matrix).float()
