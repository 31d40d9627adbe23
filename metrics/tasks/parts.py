"""Body parts of whole images, from a method's part maps or from its mesh."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from body.crop_labels import uncrop_labels
from body.load import load_body
from body.maps import label_map
from body.parts import PART_COUNTS, face_parts, merge_table
from body.skeleton import SMPL24, Skeleton
from metrics.protocol import Protocol
from metrics.segmentation import PartSegmentation
from metrics.tasks.prediction import Predicted
from metrics.tasks.task import Task

Labels = UInt8[np.ndarray, "height width"]


class PartsTask(Task):
    """Segmentation into body parts, image by image, each at its own size.

    A method's part maps count (`intermediates["parts"]`: scores (batch, classes, height, width) or labels (batch,
    height, width) of the crop; outside the crop is background), else its mesh as the camera sees it. Scores of SMPL's
    24 parts and the background are merged to the protocol's parts.
    """

    name = "parts"
    reports = PartSegmentation.reports
    metric: PartSegmentation

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton | None = None) -> None:
        super().__init__(protocol, label_skeleton)
        self.metric = PartSegmentation(protocol.classes)

    @classmethod
    def check(cls, protocol: Protocol) -> None:
        """See `Task.check`: the number of classes is needed."""
        if protocol.classes < 2:
            raise ValueError(f"protocol {protocol.id!r}: task 'parts' needs `classes`, the background among them")

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """See `Task.update`.

        Raises:
            ValueError: the batch has no part labels, or the prediction neither parts nor a mesh of a body with so many.
        """
        for row, true in enumerate(batch["part_labels"]):
            if true.numel() == 0:
                raise ValueError(f"sample {int(batch['index'][row])} has no part labels; use the protocol's datamodule")
            size = (true.shape[1], true.shape[0])
            if "parts" in prediction.intermediates:
                parts = _parts_of_crop(prediction.intermediates["parts"], batch, row, size, self.protocol.classes)
            else:
                parts = _parts_of_mesh(prediction, batch, row, size, self.protocol.classes)
            drawn = batch["silhouette"][row]
            labels = torch.from_numpy(parts.astype(np.int64)).to(true.device)
            outline = None if drawn.numel() == 0 else drawn[None] > 0
            self.metric.update(labels[None], true[None].long(), batch["index"][row : row + 1], None, outline)


def _parts_of_crop(maps: Tensor, batch: Mapping[str, Any], row: int, size: tuple[int, int], classes: int) -> Labels:
    """A method's part maps of one crop, in the full image of `size` (width, height)."""
    crop_size = batch["image"].shape[-1]
    labels, table = maps[row], np.arange(256, dtype=np.uint8)
    if maps.ndim == 4:
        channels = maps.shape[1]
        if channels == len(SMPL24) + 1 and classes - 1 in PART_COUNTS:
            table = merge_table(classes - 1)
        elif channels != classes:
            raise ValueError(
                f"part maps of {channels} classes do not fit a protocol of {classes}; predict SMPL's 24 parts"
            )
        scores = interpolate(maps[row : row + 1].float(), size=(crop_size, crop_size), mode="bilinear")
        labels = scores[0].argmax(0)
    affine = batch["crop_affine"][row].double().cpu().numpy()
    return uncrop_labels(table[labels.cpu().numpy().astype(np.uint8)], affine, crop_size, size)


def _parts_of_mesh(
    prediction: Predicted, batch: Mapping[str, Any], row: int, size: tuple[int, int], classes: int
) -> Labels:
    """The parts of a mesh as the camera of the full image sees it."""
    if prediction.vertices is None or prediction.faces is None:
        raise ValueError("the method predicts neither body parts nor a mesh, so this protocol cannot score it")
    vertices = prediction.vertices[row].double().cpu().numpy()
    intrinsics = batch["intrinsics"][row].double().cpu().numpy()
    return label_map(vertices, prediction.faces, _face_labels(len(vertices), classes - 1), intrinsics, size)


@cache
def _face_labels(vertices: int, parts: int) -> UInt8[np.ndarray, " faces"]:
    """Parts of the faces of the body with so many vertices: the open one, or SMPL."""
    for name in ("open", "smpl"):
        body = load_body(name)
        if body.num_vertices == vertices:
            return face_parts(body.lbs_weights.numpy(), body.faces, parts)
    raise ValueError(f"no body with parts has {vertices} vertices; use the open body or SMPL")
