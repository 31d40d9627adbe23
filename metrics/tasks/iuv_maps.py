"""Surface points at every cell of a crop, from a method's IUV maps or from its mesh, on the open body."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from body.camera import scale_affine
from body.crop_labels import sample_cells
from body.load import load_body
from body.skeleton import Skeleton
from body.surface import Surface, measure_surface
from body.surface_renderer import SurfaceRenderer, charts_of
from metrics.densepose import SurfaceMaps
from metrics.protocol import Protocol
from metrics.tasks.prediction import Predicted
from metrics.tasks.task import Task

_LIMIT = 0.3
"""Metres, the farthest that any score looks."""

_CELLS = 56
"""Side of the labels that the protocol means."""


class IuvMapsTask(Task):
    """Geodesic distances and parts at every cell of a batch's IUV labels.

    A method's maps count (`intermediates["iuv"]`, as for `DensePosePointsTask`, but in the open body's charts), else
    its mesh of the open body as the camera sees it.
    """

    name = "iuv_maps"
    reports = SurfaceMaps.reports
    metric: SurfaceMaps

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton | None = None) -> None:
        super().__init__(protocol, label_skeleton)
        self.metric = SurfaceMaps()

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """See `Task.update`.

        Raises:
            ValueError: a sample has no IUV labels or the labels another size than the protocol's, or the prediction has
                neither maps nor a mesh of the open body.
        """
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
        maps = prediction.intermediates.get("iuv")
        predicted = _of_mesh(prediction, batch) if maps is None else _of_maps(maps, batch)
        surface = _open_surface()
        sides = [iuv.movedim(1, -1).reshape(-1, 3).numpy() for iuv in (predicted, true)]
        nearest = [surface.nearest(np.rint(iuv[:, 0]).astype(np.int64), iuv[:, 1:]) for iuv in sides]
        errors = torch.from_numpy(surface.geodesic_distance(*nearest)).view(true[:, 0].shape)
        self.metric.update(errors, predicted[:, 0].round().long(), true[:, 0].long(), batch["index"].cpu())


def _of_maps(maps: Tensor, batch: Mapping[str, Any]) -> Float[Tensor, "batch 3 labels labels"]:
    """A method's maps at the cells of the labels."""
    crop_size, count = batch["image"].shape[-1], batch["iuv"].shape[-1]
    centres = (torch.arange(count, dtype=torch.float64) + 0.5) * (crop_size / count) - 0.5
    pixels = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).view(1, -1, 2)
    iuv = sample_cells(maps.detach().double().cpu(), pixels.expand(len(maps), -1, -1), crop_size)
    return iuv.mT.reshape(len(maps), 3, count, count)


def _of_mesh(prediction: Predicted, batch: Mapping[str, Any]) -> Float[Tensor, "batch 3 labels labels"]:
    """The mesh as the camera sees it at the cells of the labels."""
    renderer = _renderer()
    if prediction.vertices is None or prediction.vertices.shape[1] != renderer.body.num_vertices:
        raise ValueError(
            "IUV maps, or a mesh of the open body, are what this protocol scores; the method gives neither"
        )
    count, crop_size = batch["iuv"].shape[-1], batch["image"].shape[-1]
    rendered = []
    for row, vertices in enumerate(prediction.vertices.detach().double().cpu().numpy()):
        camera = np.eye(3)
        camera[:2] = scale_affine(batch["crop_affine"][row].double().cpu().numpy(), count / crop_size)
        camera = camera @ batch["intrinsics"][row].double().cpu().numpy()
        rendered.append(renderer.labels(vertices, camera, (count, count)) / np.array([1.0, 255.0, 255.0]))
    return torch.from_numpy(np.stack(rendered)).movedim(-1, 1)


@cache
def _renderer() -> SurfaceRenderer:
    return SurfaceRenderer(load_body("open"))


@cache
def _open_surface() -> Surface:
    body = load_body("open")
    return measure_surface(charts_of(body), body.faces, _LIMIT)
