"""What all evaluation tasks share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from torch import nn
from torchmetrics import Metric

from body.skeleton import Skeleton
from metrics.base import Field
from metrics.info import MetricInfo
from metrics.people import AnnotatedPeople
from metrics.protocol import Protocol
from metrics.tasks.prediction import Predicted


class SplitLabels(TypedDict, total=False):
    """Labels of a whole test split that its batches cannot carry; a datamodule gives those that it has."""

    coco_file: Path
    """COCO's annotation file, with the people in whose images nobody is predicted."""
    people: AnnotatedPeople
    """Everybody who is annotated, and the detections' scores."""


class Task(nn.Module, ABC):
    """Evaluation of one protocol: takes from predictions and batches what the task's metric compares.

    Use: `prepare` with what the datamodule knows of the whole split, `update` batch by batch, `compute`, `reset`.
    `compute` gives the same numbers whatever the batch size, the order and the number of processes.

    Args:
        protocol: what is evaluated; its `task` is this class.
        label_skeleton: joint set of the batches' `joints`, for batches without `scored_joints`; the protocol's when
            omitted.

    Attributes:
        name: in messages and documents.
        reports: numbers that the task itself defines, by name.
        fields: of the sample metrics that it can feed.
        positions: how a protocol's description ends a list of joints that are not compared relative to a root.
        metric: the torchmetrics metric that keeps what was compared.
    """

    name: ClassVar[str]
    reports: ClassVar[Mapping[str, MetricInfo]] = {}
    fields: ClassVar[tuple[Field, ...]] = ()
    positions: ClassVar[str] = "at their absolute positions"
    metric: Metric

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton | None = None) -> None:
        super().__init__()
        self.protocol, self.label_skeleton = protocol, label_skeleton

    @classmethod
    def check(cls, protocol: Protocol) -> None:
        """Refuse a protocol that lacks what the task needs.

        Raises:
            ValueError: the message names it.
        """

    def prepare(self, labels: SplitLabels) -> None:
        """Take what the metric needs of the whole split; most tasks need nothing."""

    @abstractmethod
    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """Compare a prediction with the labels of its batch.

        Raises:
            ValueError: either of them lacks what the protocol compares; the message names it.
        """

    def compute(self) -> dict[str, float]:
        """Every number of the protocol, `n` (samples), and the groups of its breakdown under keys with slashes."""
        return self.metric.compute()

    def reset(self) -> None:
        """Forget everything but what `prepare` was given."""
        self.metric.reset()


def check_joints(protocol: Protocol) -> None:
    """Refuse a protocol without a skeleton and scored joints, for tasks that compare joints.

    Raises:
        ValueError: it has none.
    """
    if not protocol.skeleton or not protocol.joints:
        raise ValueError(f"protocol {protocol.id!r}: task {protocol.task.name!r} needs a skeleton and scored joints")
