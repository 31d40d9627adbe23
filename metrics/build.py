"""From a protocol to what evaluates it."""

from __future__ import annotations

from body.skeleton import Skeleton
from metrics.protocol import Protocol
from metrics.protocols import get_protocol
from metrics.tasks import Task


def build_task(protocol: str | Protocol, label_skeleton: Skeleton | None = None) -> Task:
    """The evaluation task of a protocol.

    Args:
        protocol: a protocol or its id.
        label_skeleton: joint set of the batches' `joints`, for batches without `scored_joints`; the protocol's when
            omitted.

    Raises:
        KeyError: no such protocol, or the body has no such regressor.
        FileNotFoundError: the protocol's body model is licensed and not here, and the labels need it; the message tells
            how to get it.
    """
    protocol = get_protocol(protocol) if isinstance(protocol, str) else protocol
    return protocol.task(protocol, label_skeleton)
