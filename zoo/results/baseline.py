"""The mean-pose baseline of the open benchmark, from the labels of training samples; no image is rendered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from body.load import load_body
from body.skeleton import SMPL24
from datamodules.base import BaseDataModule
from datamodules.synthetic.camera import pose_in_camera
from datamodules.synthetic.scene import draw_sample
from metrics import build_task
from metrics.baseline import MeanPose, fit_mean_pose

PEOPLE = 1000
"""Training samples that are averaged; more change the result by less than half a millimetre."""


def open_mean_pose(people: int = PEOPLE, seed: int = 0) -> MeanPose:
    """Mean joints, mesh and parameters of the first training samples, camera frame, relative to the pelvis.

    Args:
        people: number of training samples.
        seed: of the benchmark.
    """
    return fit_mean_pose(_labels(people, seed), SMPL24)


def _labels(people: int, seed: int) -> Iterator[dict[str, Any]]:
    body = load_body("open")
    for index in range(people):
        draw = draw_sample(seed, "train", index)
        person = pose_in_camera(draw, body, 192)
        vertices = torch.from_numpy(person.vertices)[None]
        yield {
            "joints": body.regress(vertices, "smpl24"),
            "joints_valid": torch.ones(1, len(SMPL24), dtype=torch.bool),
            "vertices": vertices,
            "vertices_valid": torch.ones(1, dtype=torch.bool),
            "pose": torch.from_numpy(person.pose)[None],
            "betas": torch.from_numpy(draw.betas)[None],
            "smpl_valid": torch.ones(1, dtype=torch.bool),
        }


def measure_baseline(mean: MeanPose, datamodule: BaseDataModule, protocol: str = "open-v1") -> dict[str, float]:
    """Metrics of the mean pose on a datamodule's test split, as `metrics.Task.compute` gives them."""
    task = build_task(protocol, datamodule.skeleton)
    for batch in datamodule.test_dataloader():
        batch = datamodule.on_after_batch_transfer(batch, 0)
        task.update(mean.predict(batch), batch)
    return task.compute()
