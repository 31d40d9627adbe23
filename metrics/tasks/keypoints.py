"""2D keypoints: COCO's evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from body.skeleton import COCO17, Skeleton
from metrics.keypoints import KeypointAP
from metrics.protocol import Protocol
from metrics.tasks.prediction import Predicted, all_in_skeleton
from metrics.tasks.task import SplitLabels, Task, check_joints


class KeypointsTask(Task):
    """Average precision of projected joints, all people weighing the same.

    `prepare` needs `coco_file`: a person in whose image nothing was predicted counts, too.
    """

    name = "keypoints"
    reports = KeypointAP.reports
    positions = "in the image"
    metric: KeypointAP

    def __init__(self, protocol: Protocol, label_skeleton: Skeleton | None = None) -> None:
        super().__init__(protocol, label_skeleton)
        self.metric = KeypointAP()

    @classmethod
    def check(cls, protocol: Protocol) -> None:
        """See `Task.check`: scored joints are needed."""
        check_joints(protocol)

    def prepare(self, labels: SplitLabels) -> None:
        """Take the annotation file."""
        self.metric.annotations = labels.get("coco_file")

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """See `Task.update`."""
        if prediction.joints_2d is None:
            raise ValueError(f"protocol {self.protocol.id!r} scores 2D joints, which the method does not predict")
        pixels = all_in_skeleton(prediction.joints_2d, prediction.skeleton, COCO17)
        self.metric.update(pixels, pixels.new_ones(len(pixels)), batch["image_id"], batch["index"])
