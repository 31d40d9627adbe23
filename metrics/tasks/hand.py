"""Hands: FreiHAND's evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from body.skeleton import MANO21, Skeleton
from metrics.hand import FreiHand
from metrics.protocol import Protocol
from metrics.tasks.prediction import Predicted, all_in_skeleton
from metrics.tasks.task import Task, check_joints


class HandTask(Task):
    """Joints and mesh of one hand, in absolute positions and aligned."""

    name = "hand"
    reports = FreiHand.reports
    metric: FreiHand

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton | None = None) -> None:
        super().__init__(protocol, label_skeleton)
        self.metric = FreiHand()

    @classmethod
    def check(cls, protocol: Protocol) -> None:
        """See `Task.check`: scored joints are needed."""
        check_joints(protocol)

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """See `Task.update`."""
        joints = all_in_skeleton(prediction.joints, prediction.skeleton, MANO21)
        meshes = () if prediction.vertices is None else (prediction.vertices, batch["vertices"])
        self.metric.update(joints, batch["joints"], batch["index"], *meshes)
