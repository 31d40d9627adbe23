"""Predicted body parts of whole photographs, from a method's part maps or from its mesh."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch.nn.functional import interpolate
from torchmetrics import Metric

from body.load import load_body
from body.maps import label_map
from body.parts import PART_COUNTS, face_parts, merge_table
from body.skeleton import SMPL24
from datamodules.batch import Batch
from datamodules.crop import scale_affine
from lightning_modules.prediction import Prediction
from metrics.segmentation import PartSegmentation


def update_parts(metric: Metric, prediction: Prediction, batch: Batch) -> None:
    """Score a batch photograph by photograph, each at its own size.

    A method's part maps count (`intermediates["parts"]`: scores (batch, classes, height, width) or labels (batch,
    height, width) of the crop; outside the crop is background), else its mesh as the camera sees it. Scores of SMPL's
    24 parts and the background are merged to the protocol's parts.

    Raises:
        ValueError: the batch has no part labels, or the prediction neither parts nor a mesh of a body with so many.
    """
    assert isinstance(metric, PartSegmentation)
    for row, true in enumerate(batch["part_labels"]):
        if true.numel() == 0:
            raise ValueError(f"sample {int(batch['index'][row])} has no part labels; use the protocol's datamodule")
        parts = _of_crop(prediction, batch, row, metric.classes)
        if parts is None:
            parts = _of_mesh(prediction, batch, row, metric.classes)
        drawn = batch["silhouette"][row]
        labels = torch.from_numpy(parts.astype(np.int64)).to(true.device)
        outline = None if drawn.numel() == 0 else drawn[None] > 0
        metric.update(labels[None], true[None].long(), batch["index"][row : row + 1], None, outline)


def uncrop(
    labels: UInt8[np.ndarray, "rows columns"], affine: Float[np.ndarray, "2 3"], crop_size: int, size: tuple[int, int]
) -> UInt8[np.ndarray, "height width"]:
    """Labels of a crop in the photograph, by the nearest pixel; 0 outside the crop.

    Args:
        labels: of the square crop, at any resolution.
        affine: full-image pixels to crop pixels.
        crop_size: side of the crop that the affine leads to, pixels.
        size: width and height of the photograph.
    """
    to_labels = scale_affine(affine, len(labels) / crop_size)
    return cv2.warpAffine(labels, to_labels, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)


def _of_crop(prediction: Prediction, batch: Batch, row: int, classes: int) -> UInt8[np.ndarray, "height width"] | None:
    maps = prediction.intermediates.get("parts")
    if maps is None:
        return None
    crop_size = batch["image"].shape[-1]
    labels, table = maps[row], np.arange(256, dtype=np.uint8)
    if maps.ndim == 4:
        found = maps.shape[1]
        if found == len(SMPL24) + 1 and classes - 1 in PART_COUNTS:
            table = merge_table(classes - 1)
        elif found != classes:
            raise ValueError(
                f"part maps of {found} classes do not fit a protocol of {classes}; predict SMPL's 24 parts"
            )
        scores = interpolate(maps[row : row + 1].float(), size=(crop_size, crop_size), mode="bilinear")
        labels = scores[0].argmax(0)
    affine = batch["crop_affine"][row].double().cpu().numpy()
    return uncrop(table[labels.cpu().numpy().astype(np.uint8)], affine, crop_size, _photograph(batch, row))


def _of_mesh(prediction: Prediction, batch: Batch, row: int, classes: int) -> UInt8[np.ndarray, "height width"]:
    if prediction.vertices is None or prediction.faces is None:
        raise ValueError("the method predicts neither body parts nor a mesh, so this protocol cannot score it")
    vertices = prediction.vertices[row].double().cpu().numpy()
    intrinsics = batch["intrinsics"][row].double().cpu().numpy()
    labels = _face_labels(len(vertices), classes - 1)
    return label_map(vertices, prediction.faces, labels, intrinsics, _photograph(batch, row))


def _photograph(batch: Batch, row: int) -> tuple[int, int]:
    """Width and height of the photograph, which are those of its labels."""
    height, width = batch["part_labels"][row].shape
    return int(width), int(height)


@cache
def _face_labels(vertices: int, parts: int) -> UInt8[np.ndarray, " faces"]:
    """Parts of the faces of the body with so many vertices: the open one, or SMPL."""
    body = load_body("open")
    if body.num_vertices != vertices:
        body = load_body("smpl")
    if body.num_vertices != vertices:
        raise ValueError(f"no body with parts has {vertices} vertices; use the open body or SMPL")
    return face_parts(body.lbs_weights.numpy(), body.faces, parts)
