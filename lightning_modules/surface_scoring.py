"""Predicted places on the surface at DensePose's annotated pixels, from a method's IUV maps or from its mesh."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import Metric

from body.densepose import FILE, VERTICES, DensePoseCharts, find_densepose
from body.raycast import RayScene
from datamodules.batch import Batch
from datamodules.densepose.surface import load_surface
from lightning_modules.prediction import Prediction
from metrics.surface import DensePosePoints


def update_surface(metric: Metric, prediction: Prediction, batch: Batch) -> None:
    """Score the annotated points of a batch by their geodesic distance from where the prediction puts their pixels.

    A method's maps count (`intermediates["iuv"]`, (batch, 3, height, width) of the crop: part 0 to 24, U and V in [0,
    1], in DensePose's charts; the cell that a pixel lies in, background outside the crop), else its SMPL mesh as the
    camera sees it.

    Raises:
        FileNotFoundError: DensePose's files are not in `$ZOO_ASSETS`; the message says how to get them.
        ValueError: the prediction has neither maps nor a mesh of SMPL.
    """
    assert isinstance(metric, DensePosePoints)
    surface = load_surface()
    points, valid = batch["dense_points"].double().cpu(), batch["dense_points_valid"].cpu()
    maps = prediction.intermediates.get("iuv")
    if maps is not None:
        predicted = iuv_at(maps.detach().double().cpu(), points[..., :2], batch["image"].shape[-1])
    else:
        predicted = mesh_iuv_at(prediction, batch, points[..., :2])
    rows = valid.reshape(-1).numpy()
    ours, true = (values.reshape(-1, 3).numpy()[rows] for values in (predicted, points[..., 2:]))
    places = [surface.nearest(np.rint(found[:, 0]).astype(np.int64), found[:, 1:]) for found in (ours, true)]
    errors = torch.full(valid.shape, torch.inf, dtype=torch.float64)
    errors[valid] = torch.from_numpy(surface.apart(*places))
    metric.update(errors, valid, batch["index"], parts=points[..., 2].long())


def iuv_at(
    maps: Float[Tensor, "batch 3 height width"], pixels: Float[Tensor, "batch points 2"], crop: int
) -> Float[Tensor, "batch points 3"]:
    """Part, U and V of the cells that crop pixels lie in; zeros outside.

    Convention:
        Pixel centres are at integers and cells tile the crop: cell = floor((pixel + 0.5) / crop * cells). Example: a
        crop of 224, maps of 56: pixels 0 to 3 lie in cell 0.
    """
    height, width = maps.shape[-2:]
    cells = torch.floor((pixels + 0.5) / crop * pixels.new_tensor((width, height))).long()
    x, y = cells[..., 0], cells[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    flat = torch.where(inside, y * width + x, 0)
    found = maps.flatten(2).gather(2, flat[:, None].expand(-1, 3, -1)).mT
    return found * inside[..., None]


def mesh_iuv_at(
    prediction: Prediction, batch: Batch, pixels: Float[Tensor, "batch points 2"]
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
    meshes, size = prediction.vertices.detach().double().cpu().numpy(), batch["image"].shape[-1]
    affine, intrinsics = (batch[name].double().cpu().numpy() for name in ("crop_affine", "intrinsics"))
    found = np.zeros((*pixels.shape[:2], 3))
    for row, vertices in enumerate(meshes):
        camera = np.concatenate([affine[row], [[0, 0, 1]]]) @ intrinsics[row]
        found[row] = _cast(vertices, charts, camera, pixels[row].numpy())
    inside = ((pixels >= -0.5) & (pixels < size - 0.5)).all(-1, keepdim=True)
    return torch.from_numpy(found) * inside


def _cast(
    vertices: Float[np.ndarray, "vertices 3"],
    charts: DensePoseCharts,
    camera: Float[np.ndarray, "3 3"],
    pixels: Float[np.ndarray, "points 2"],
) -> Float[np.ndarray, "points 3"]:
    in_front = np.flatnonzero((vertices[charts.faces][..., 2] > 0).all(1))  # what is behind the camera is not seen
    if len(in_front) == 0:
        return np.zeros((len(pixels), 3))
    rays = np.concatenate([pixels, np.ones((len(pixels), 1))], 1) @ np.linalg.inv(camera).T
    hits = RayScene([(vertices, charts.faces[in_front])]).cast(np.zeros_like(rays), rays)
    hits.face[:] = np.where(hits.face >= 0, in_front[hits.face], -1)
    labels: Int[np.ndarray, "points 3"] = charts.iuv(hits)
    return labels / np.array([1.0, 255.0, 255.0])
