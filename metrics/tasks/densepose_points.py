"""Surface points at DensePose's annotated pixels, from a method's IUV maps or from its mesh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from body.crop_labels import sample_cells
from body.densepose import FILE, VERTICES, find_densepose
from body.densepose_surface import load_surface
from body.skeleton import Skeleton
from metrics.densepose import DensePosePoints
from metrics.protocol import Protocol
from metrics.tasks.prediction import Predicted
from metrics.tasks.task import Task


class DensePosePointsTask(Task):
    """Geodesic distance of annotated points from where the prediction puts their pixels.

    A method's maps count (`intermediates["iuv"]`, (batch, 3, height, width) of the crop: part 0 to 24, U and V in [0,
    1], in DensePose's charts; the cell that a pixel lies in, background outside the crop), else its SMPL mesh as the
    camera sees it.
    """

    name = "densepose_points"
    reports = DensePosePoints.reports
    metric: DensePosePoints

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton | None = None) -> None:
        super().__init__(protocol, label_skeleton)
        self.metric = DensePosePoints()

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """See `Task.update`.

        Raises:
            FileNotFoundError: DensePose's files are not in `$ZOO_ASSETS`; the message says how to get them.
            ValueError: the prediction has neither maps nor a mesh of SMPL.
        """
        surface = load_surface()
        points, valid = batch["dense_points"].double().cpu(), batch["dense_points_valid"].cpu()
        maps = prediction.intermediates.get("iuv")
        if maps is not None:
            predicted = sample_cells(maps.detach().double().cpu(), points[..., :2], batch["image"].shape[-1])
        else:
            predicted = _iuv_of_mesh(prediction, batch, points[..., :2])
        rows = valid.reshape(-1).numpy()
        sides = [values.reshape(-1, 3).numpy()[rows] for values in (predicted, points[..., 2:])]
        nearest = [surface.nearest(np.rint(iuv[:, 0]).astype(np.int64), iuv[:, 1:]) for iuv in sides]
        errors = torch.full(valid.shape, torch.inf, dtype=torch.float64)
        errors[valid] = torch.from_numpy(surface.geodesic_distance(*nearest))
        self.metric.update(errors, valid, batch["index"], parts=points[..., 2].long())


def _iuv_of_mesh(
    prediction: Predicted, batch: Mapping[str, Any], pixels: Float[Tensor, "batch points 2"]
) -> Float[Tensor, "batch points 3"]:
    """Part, U and V of the faces that the camera sees at crop pixels, in DensePose's charts; zeros beside the mesh."""
    charts = find_densepose()
    if prediction.vertices is None or prediction.vertices.shape[1] != VERTICES:
        raise ValueError(
            "DensePose's points are scored by IUV maps or by a mesh of SMPL, which this method does not give"
        )
    if charts is None:
        raise FileNotFoundError(
            f"scoring a mesh needs $ZOO_ASSETS/{FILE}: run get_densepose_uv.sh of github.com/facebookresearch/DensePose"
        )
    meshes, crop_size = prediction.vertices.detach().double().cpu().numpy(), batch["image"].shape[-1]
    affine, intrinsics = (batch[name].double().cpu().numpy() for name in ("crop_affine", "intrinsics"))
    iuv = np.zeros((*pixels.shape[:2], 3))
    for row, vertices in enumerate(meshes):
        camera = np.concatenate([affine[row], [[0, 0, 1]]]) @ intrinsics[row]
        iuv[row] = charts.iuv_at(pixels[row].numpy(), vertices, camera)
    inside = ((pixels >= -0.5) & (pixels < crop_size - 0.5)).all(-1, keepdim=True)
    return torch.from_numpy(iuv) * inside
