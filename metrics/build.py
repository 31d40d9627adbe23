"""From a protocol to the metric that evaluates it."""

from __future__ import annotations

from collections.abc import Callable

from torchmetrics import Metric

from body.load import load_body
from body.skeleton import Skeleton
from metrics.evaluation import Evaluation
from metrics.hand import FreiHand
from metrics.inputs import regressors_of
from metrics.keypoints import KeypointAP
from metrics.people_rows import PeopleRows
from metrics.protocols import Protocol, get_protocol
from metrics.segmentation import PartSegmentation
from metrics.surface import DensePosePoints, SurfaceMaps

TASK_METRICS: dict[str, Callable[[Protocol], Metric]] = {
    "hand": lambda _: FreiHand(),
    "people": PeopleRows,
    "parts": lambda protocol: PartSegmentation(protocol.classes),
    "keypoints": lambda _: KeypointAP(),
    "surface": lambda _: DensePosePoints(),
    "maps": lambda _: SurfaceMaps(),
}
"""The metric of every task but `pose`."""


def build_metrics(protocol: str | Protocol, target_skeleton: Skeleton | None = None) -> Metric:
    """The metric of a protocol: `Evaluation` for the task `pose`, else the one in `TASK_METRICS`.

    Args:
        protocol: a protocol or its id.
        target_skeleton: see `Evaluation`.

    Raises:
        KeyError: no such protocol, or the body has no such regressor.
        FileNotFoundError: the protocol's body model is licensed and not here, and the labels need it; the message tells
            how to get it. Where only predicted meshes would need it, they are refused when they come.
    """
    protocol = get_protocol(protocol) if isinstance(protocol, str) else protocol
    if protocol.task != "pose":
        return TASK_METRICS[protocol.task](protocol)
    names = regressors_of(protocol)
    if not names and not protocol.needs_body:
        return Evaluation(protocol, target_skeleton=target_skeleton)
    try:
        body = load_body(protocol.body)
    except FileNotFoundError:
        if protocol.target_regressor is not None or protocol.needs_body:
            raise
        return Evaluation(protocol, target_skeleton=target_skeleton)  # a method without a mesh needs no body
    regressors = {name: body.joint_regressor(name) for name in names}
    return Evaluation(protocol, regressors, target_skeleton, body if protocol.needs_body else None)
