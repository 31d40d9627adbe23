"""One person's joints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from body.load import load_body
from body.model import BodyModel
from body.skeleton import Skeleton, get_skeleton
from metrics.base import Field
from metrics.pose import PoseMetrics
from metrics.protocol import Protocol
from metrics.tasks.joint_comparison import JointComparison
from metrics.tasks.prediction import Predicted
from metrics.tasks.task import Task, check_joints


class PoseTask(Task):
    """Joints of one person: as predicted, or regressed from the predicted mesh where the protocol says so.

    Args:
        protocol: what is evaluated.
        label_skeleton: see `Task`.
        body: the protocol's body model; loaded when omitted.

    Raises:
        ValueError: the labels lack scored joints.
        FileNotFoundError: the protocol's body model is licensed and not here, and the labels need it; the message tells
            how to get it. Where only predicted meshes would need it, they are refused when they come.
    """

    name = "pose"
    fields: ClassVar[tuple[Field, ...]] = ("joints", "distance_joints", "root", "joints_2d")
    comparison_type: ClassVar[type[JointComparison]] = JointComparison
    metric: PoseMetrics

    def __init__(
        self, protocol: Protocol, label_skeleton: Skeleton | None = None, body: BodyModel | None = None
    ) -> None:
        super().__init__(protocol, label_skeleton)
        self.metric = PoseMetrics(protocol)
        skeleton = label_skeleton or get_skeleton(protocol.skeleton)
        self.comparison = self.comparison_type(protocol, skeleton, body or find_body(protocol))
        self._setting = {sequence: name for name, sequences in protocol.settings for sequence in sequences}

    @classmethod
    def check(cls, protocol: Protocol) -> None:
        """See `Task.check`: scored joints are needed."""
        check_joints(protocol)

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """See `Task.update`.

        Raises:
            ValueError: the prediction's joint set lacks scored joints, a mesh is not of the protocol's body, or a
                sequence is of no setting of the protocol.
        """
        groups = {field: self._group_names(field, batch) for field in self.protocol.breakdown}
        self.metric.update(self.comparison(prediction, batch), batch["index"], groups)

    def _group_names(self, field: str, batch: Mapping[str, Any]) -> list[str]:
        """The group of each sample in one breakdown."""
        if field != "setting":
            columns = [[str(value) for value in batch[key]] for key in field.split("+")]
            return [" ".join(words) for words in zip(*columns, strict=True)]
        unknown = set(batch["sequence"]) - set(self._setting)
        if unknown:
            raise ValueError(f"protocol {self.protocol.id!r}: no setting has the sequences {sorted(unknown)}")
        return [self._setting[sequence] for sequence in batch["sequence"]]


def find_body(protocol: Protocol) -> BodyModel | None:
    """The body model of a protocol; None where it needs none, or only for predicted meshes and it is not here.

    Raises:
        FileNotFoundError: the labels need it.
    """
    if not protocol.regressors and not protocol.needs_body:
        return None
    try:
        return load_body(protocol.body)
    except FileNotFoundError:
        if protocol.target_regressor is not None or protocol.needs_body:
            raise
        return None
