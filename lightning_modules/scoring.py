"""From a method's prediction to the metric of a protocol, whatever its task."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torchmetrics import Metric

from body.skeleton import COCO17, MANO21, Skeleton, convert
from datamodules.batch import Batch
from lightning_modules.map_scoring import update_maps
from lightning_modules.part_scoring import update_parts
from lightning_modules.prediction import Prediction
from lightning_modules.surface_scoring import update_surface
from metrics.protocols import Protocol


def update_metric(metric: Metric, protocol: Protocol, prediction: Prediction, batch: Batch) -> None:
    """Add a batch to the metric that `build_metrics(protocol)` made.

    Raises:
        ValueError: the task is not one that a pose can be scored by.
    """
    if protocol.task not in _UPDATES:
        raise ValueError(f"protocol {protocol.id} scores {protocol.task}, which this method does not predict")
    _UPDATES[protocol.task](metric, prediction, batch)


def _pose(metric: Metric, prediction: Prediction, batch: Batch) -> None:
    metric.update(prediction, batch)


def _hand(metric: Metric, prediction: Prediction, batch: Batch) -> None:
    joints = _in_skeleton(prediction, prediction.joints, MANO21)
    meshes = () if prediction.vertices is None else (prediction.vertices, batch["vertices"])
    metric.update(joints, batch["joints"], batch["index"], *meshes)


def _keypoints(metric: Metric, prediction: Prediction, batch: Batch) -> None:
    pixels = _in_skeleton(prediction, prediction.joints_2d, COCO17)
    metric.update(pixels, torch.ones(len(pixels), device=pixels.device), batch["image_id"], batch["index"])


def _people(metric: Metric, prediction: Prediction, batch: Batch) -> None:
    metric.update(prediction.joints, prediction.joints_2d, prediction.skeleton, batch["image_id"], batch["index"])


def _in_skeleton(prediction: Prediction, points: torch.Tensor, wanted: Skeleton) -> torch.Tensor:
    """Predicted joints in the order of a skeleton.

    Raises:
        ValueError: the method does not predict one of them.
    """
    valid = torch.ones(points.shape[:-1], dtype=torch.bool, device=points.device)
    joints, found = convert(points, valid, prediction.skeleton, wanted)
    missing = [name for name, there in zip(wanted.joints, found[0].tolist(), strict=True) if not there]
    if missing:
        raise ValueError(f"{wanted.name} needs {', '.join(missing)}, which {prediction.skeleton.name} does not have")
    return joints


_UPDATES: dict[str, Callable[[Metric, Prediction, Batch], None]] = {
    "pose": _pose,
    "hand": _hand,
    "keypoints": _keypoints,
    "surface": update_surface,
    "maps": update_maps,
    "people": _people,
    "parts": update_parts,
}
