"""Batches of square crops from boxes in an image, in the layout of the datamodules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from body.skeleton import SMPL24
from datamodules.augment import NO_CHANGE
from datamodules.base import collate
from datamodules.batch import Batch
from datamodules.crop import RestRoot, crop_image, make_crop
from datamodules.sample import RawSample
from datamodules.settings import CropSettings
from zoo.prediction.inputs import Box


def make_crop_batch(
    pixels: UInt8[np.ndarray, "height width 3"],
    boxes: Sequence[Box],
    intrinsics: Float[np.ndarray, "3 3"],
    size: int,
    margin: float = CropSettings.margin,
) -> Batch:
    """A batch with one crop per box; all labels are marked as missing.

    Args:
        pixels: RGB.
        boxes: inside the image.
        intrinsics: camera matrix of the image, pixels.
        size: side of the crops, pixels.
        margin: the square window is this many times the longer side of the box, as in training: a model's
            `crop_margin`.
    """
    blank = np.zeros((len(SMPL24), 3), np.float32)
    no_root = RestRoot(np.zeros(3), np.zeros((10, 3)))  # only used for SMPL labels
    settings, rows = CropSettings(SMPL24.name, size=size, margin=margin), []
    reduced: dict[int, UInt8[np.ndarray, "height width 3"]] = {}
    for number, box in enumerate(boxes):
        sample = RawSample(
            image=pixels,
            intrinsics=intrinsics,
            box=np.array(box, np.float32),
            joints=blank,
            joints_valid=np.zeros(len(SMPL24), bool),
            skeleton=SMPL24,
            index=number,
        )
        row = make_crop(sample, settings, NO_CHANGE, no_root)
        row["image"] = antialiased_crop(pixels, row["crop_affine"], size, reduced)
        rows.append(row)
    batch = collate(rows)
    batch["vertices"] = torch.zeros(len(rows), 0, 3)
    batch["frame"] = batch["frame"].tolist()
    return cast("Batch", batch)


def join_batches(batches: Sequence[Batch]) -> Batch:
    """One batch of the rows of several, of crops of one size."""
    first = cast("dict[str, Any]", batches[0])
    columns = {key: [cast("dict[str, Any]", batch)[key] for batch in batches] for key in first}
    joined = {
        key: torch.cat(parts) if isinstance(parts[0], torch.Tensor) else [row for part in parts for row in part]
        for key, parts in columns.items()
    }
    return cast("Batch", joined)


def antialiased_crop(
    pixels: UInt8[np.ndarray, "height width 3"],
    affine: Float[torch.Tensor, "2 3"],
    size: int,
    reduced: dict[int, np.ndarray] | None = None,
) -> Float[torch.Tensor, "3 size size"]:
    """The crop; images of more than twice its resolution are first reduced by area averaging, against aliasing.

    Args:
        pixels: RGB.
        affine: full-image pixels to crop pixels.
        size: side of the crop.
        reduced: the image by the whole numbers it was reduced by, for its other crops; this one's is added.
    """
    matrix = affine.double().numpy()
    factor = int(1 / max(float(np.linalg.norm(matrix[:, 0])), 1e-6))
    if factor >= 2:
        height, width = pixels.shape[:2]
        small = (max(1, width // factor), max(1, height // factor))
        reduced = {} if reduced is None else reduced
        if factor not in reduced:
            reduced[factor] = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        pixels = reduced[factor]
        factors = np.array([width / small[0], height / small[1]])
        offset = matrix[:, :2] @ ((factors - 1) / 2) + matrix[:, 2]  # u + 1/2 = factor (u_small + 1/2)
        matrix = np.column_stack([matrix[:, :2] * factors, offset])
    crop = crop_image(pixels, matrix, size)
    return torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))).float() / 255
