"""Predicted places on the open body at every cell of a crop, from a method's IUV maps or from its mesh."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric

from body.load import load_body
from body.surface import Surface, measure_surface
from datamodules.batch import Batch
from datamodules.crop import scale_affine
from datamodules.surface import SurfaceRenderer, own_charts
from lightning_modules.prediction import Prediction
from lightning_modules.surface_scoring import iuv_at
from metrics.surface import SurfaceMaps

_LIMIT = 0.3
"""Metres, the farthest that any score looks."""

_CELLS = 56
"""Side of the labels that the protocol means."""


def update_maps(metric: Metric, prediction: Prediction, batch: Batch) -> None:
    """Score every cell of a batch's IUV labels.

    A method's maps count (`intermediates["iuv"]`, see `surface_scoring.update_surface`, in the open body's charts),
    else its mesh of the open body as the camera sees it.

    Raises:
        ValueError: a sample has no IUV labels or the labels another size than the protocol's, or the prediction has
            neither maps nor a mesh of the open body.
    """
    assert isinstance(metric, SurfaceMaps)
    if not batch["iuv_valid"].all():
        lacking = int(batch["index"][~batch["iuv_valid"]][0])
        raise ValueError(f"sample {lacking} has no IUV labels; use the protocol's datamodule")
    cells = batch["iuv"].shape[-1]
    if cells != _CELLS:
        raise ValueError(
            f"IUV maps are scored on {_CELLS} x {_CELLS} cells, not on {cells} x {cells}; "
            f"set --data.crops.iuv_size {_CELLS}"
        )
    true = batch["iuv"].double().cpu() / torch.tensor([1, 255, 255]).view(3, 1, 1)
    found = _of_maps(prediction, batch) if "iuv" in prediction.intermediates else _of_mesh(prediction, batch)
    surface = _open_surface()
    rows = [maps.movedim(1, -1).reshape(-1, 3).numpy() for maps in (found, true)]
    places = [surface.nearest(np.rint(row[:, 0]).astype(np.int64), row[:, 1:]) for row in rows]
    shape = true[:, 0].shape
    errors = torch.from_numpy(surface.apart(*places)).view(shape)
    metric.update(errors, found[:, 0].round().long(), true[:, 0].long(), batch["index"].cpu())


def _of_maps(prediction: Prediction, batch: Batch) -> Float[Tensor, "batch 3 labels labels"]:
    """A method's maps at the cells of the labels."""
    maps, crop, count = prediction.intermediates["iuv"], batch["image"].shape[-1], batch["iuv"].shape[-1]
    centres = (torch.arange(count, dtype=torch.float64) + 0.5) * (crop / count) - 0.5
    pixels = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).view(1, -1, 2)
    found = iuv_at(maps.detach().double().cpu(), pixels.expand(len(maps), -1, -1), crop)
    return found.mT.reshape(len(maps), 3, count, count)


def _of_mesh(prediction: Prediction, batch: Batch) -> Float[Tensor, "batch 3 labels labels"]:
    """The mesh as the camera sees it at the cells of the labels."""
    renderer = _renderer()
    if prediction.vertices is None or prediction.vertices.shape[1] != renderer.body.num_vertices:
        raise ValueError(
            "IUV maps, or a mesh of the open body, are what this protocol scores; the method gives neither"
        )
    count, crop = batch["iuv"].shape[-1], batch["image"].shape[-1]
    found = []
    for row, vertices in enumerate(prediction.vertices.detach().double().cpu().numpy()):
        camera = np.eye(3)
        camera[:2] = scale_affine(batch["crop_affine"][row].double().cpu().numpy(), count / crop)
        camera = camera @ batch["intrinsics"][row].double().cpu().numpy()
        found.append(renderer.labels(vertices, camera, (count, count)) / np.array([1.0, 255.0, 255.0]))
    return torch.from_numpy(np.stack(found)).movedim(-1, 1)


@cache
def _renderer() -> SurfaceRenderer:
    return SurfaceRenderer(load_body("open"))


@cache
def _open_surface() -> Surface:
    body = load_body("open")
    return measure_surface(own_charts(body), body.faces, _LIMIT)
