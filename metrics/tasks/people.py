"""Several people in one image: MuPoTS-3D's evaluation of a method that sees one of them at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from body.skeleton import Skeleton
from metrics.people import MuPoTS
from metrics.protocol import Protocol
from metrics.tasks.prediction import Predicted
from metrics.tasks.task import SplitLabels, Task, check_joints
from metrics.top_down import TopDownMuPoTS


class PeopleTask(Task):
    """Predicted people, put together by image and held against everybody who is annotated there.

    `prepare` needs `people`: everybody who is annotated, and the detections' scores.
    """

    name = "people"
    reports = MuPoTS.reports
    metric: TopDownMuPoTS

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton | None = None) -> None:
        super().__init__(protocol, label_skeleton)
        self.metric = TopDownMuPoTS(protocol)

    @classmethod
    def check(cls, protocol: Protocol) -> None:
        """See `Task.check`: scored joints are needed."""
        check_joints(protocol)

    def prepare(self, labels: SplitLabels) -> None:
        """Take everybody who is annotated."""
        self.metric.annotations = labels.get("people")

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """See `Task.update`."""
        if prediction.joints_2d is None:
            raise ValueError(f"protocol {self.protocol.id!r} matches by 2D joints, which the method does not predict")
        self.metric.update(
            prediction.joints, prediction.joints_2d, prediction.skeleton, batch["image_id"], batch["index"]
        )
