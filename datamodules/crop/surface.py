"""Surface labels of a sample as the crop shows them: IUV maps, DensePose's points and masks."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from body.camera import scale_affine
from body.parts import swap_table
from body.skeleton import SMPL24
from datamodules.augment import Change
from datamodules.sample import RawSample
from datamodules.settings import CropSettings

DENSE_POINTS = 196
"""Most surface points that DensePose-COCO annotates of one person."""
_MIDDLE_PARTS = np.array([SMPL24.mirror[j] == j for j in range(24)])


def surface_labels(
    sample: RawSample, change: Change, affine: Float[np.ndarray, "2 3"], settings: CropSettings
) -> dict[str, Tensor]:
    """Part and chart coordinates of every pixel; zeros where the sample has none."""
    size = settings.label_size
    if sample.iuv is None:
        return {"iuv": torch.zeros(3, size, size, dtype=torch.uint8), "iuv_valid": torch.tensor(False)}
    iuv = cv2.warpAffine(sample.iuv, scale_affine(affine, size / settings.size), (size, size), flags=cv2.INTER_NEAREST)
    if change.flip:
        iuv = mirror_iuv(iuv)
    return {"iuv": torch.from_numpy(np.ascontiguousarray(iuv.transpose(2, 0, 1))), "iuv_valid": torch.tensor(True)}


def dense_labels(sample: RawSample, change: Change, affine: Float[np.ndarray, "2 3"], size: int) -> dict[str, Tensor]:
    """DensePose's points and coarse mask; their charts are mirrored by `datamodules.dense`."""
    points, valid = np.zeros((DENSE_POINTS, 5), np.float32), np.zeros(DENSE_POINTS, bool)
    mask = np.zeros((size, size), np.uint8)
    if sample.dense_points is not None:
        count = min(len(sample.dense_points), DENSE_POINTS)
        points[:count], valid[:count] = sample.dense_points[:count], True
        points[:count, :2] = points[:count, :2] @ affine[:, :2].T + affine[:, 2]
    if sample.dense_mask is not None:
        mask = cv2.warpAffine(sample.dense_mask, affine, (size, size), flags=cv2.INTER_NEAREST)
    if change.flip and (sample.dense_points is not None or sample.dense_mask is not None):
        from datamodules.dense import mirror_dense

        points, mask = mirror_dense(points, valid, mask)
    return {
        "dense_points": torch.from_numpy(points),
        "dense_points_valid": torch.from_numpy(valid),
        "dense_mask": torch.from_numpy(mask),
        "dense_mask_valid": torch.tensor(sample.dense_mask is not None),
    }


def mirror_iuv(iuv: UInt8[np.ndarray, "*batch 3"]) -> UInt8[np.ndarray, "*batch 3"]:
    """Labels of mirrored pixels: sides swapped, U reversed on the parts that have no other side (`body.uv`)."""
    part, u, v = iuv[..., 0], iuv[..., 1], iuv[..., 2]
    middle = np.concatenate([[False], _MIDDLE_PARTS])[part]
    return np.stack([_swapped_parts()[part], np.where(middle, 255 - u, u), v], -1)


@cache
def _swapped_parts() -> UInt8[np.ndarray, "25"]:
    return swap_table(24)
