"""A protocol's paragraph of documentation, made from its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrics.info import MetricInfo

if TYPE_CHECKING:
    from metrics.protocol import Protocol

_ALIGNED = {
    "similarity": "after similarity alignment (rotation, translation and scale)",
    "rigid": "after rigid alignment (rotation and translation, no scale)",
    "freihand": "after FreiHAND's own similarity alignment (freihand), which may mirror",
}
_MEANS = {
    "samples": "every image weighs the same",
    "pooled": "every scored pixel, point or person weighs the same",
    "actions": "every action weighs the same",
    "sequences": "every sequence weighs the same",
    "cells": "every pair of subject and action weighs the same",
}


def describe(protocol: Protocol) -> str:
    """Id, data, joints, metrics, alignment, averaging and note, in sentences."""
    aka = f" Known as {protocol.aka}." if protocol.aka else ""
    sentences = [
        f"`{protocol.id}`: {protocol.benchmark}, {protocol.split}; {protocol.frames}.{aka}",
        f"Ground truth: {protocol.ground_truth}.",
        _joints(protocol),
        f"Metrics: {', '.join(map(_metric, protocol.info.values()))}{_alignment(protocol)}.",
        f"In the mean {_MEANS[protocol.averaging]}{_breakdown(protocol)}.",
        protocol.note,
    ]
    return " ".join(sentence for sentence in sentences if sentence).replace("..", ".")


def _metric(info: MetricInfo) -> str:
    return f"{info.label} ({info.unit or 'from 0 to 1'}, {'higher' if info.higher_is_better else 'lower'} is better)"


def _joints(protocol: Protocol) -> str:
    if not protocol.skeleton:
        return f"{protocol.classes} classes, the background among them." if protocol.classes else ""
    count = len(protocol.joints)
    text = f"{count} joint{'s' if count > 1 else ''} of `{protocol.skeleton}`"
    if protocol.distance_joints:
        text += f" (MPJPE: {len(protocol.distance_joints)})"
    if not protocol.task.fields:
        return f"{text}{_relative(protocol)}."
    true = f"regressed from the mesh (`{protocol.target_regressor}`)" if protocol.target_regressor else "as annotated"
    ours = "as predicted"
    if protocol.regressor:
        ours = f"regressed from the mesh (`{protocol.regressor}`) where there is one"
    return f"{text}, true ones {true}, predicted ones {ours}{_relative(protocol)}."


def _relative(protocol: Protocol) -> str:
    mesh = f", meshes to the {protocol.mesh_root}" if protocol.mesh_root not in ("", protocol.root) else ""
    if protocol.root:
        return f", relative to `{protocol.root}`{mesh}"
    return f", {protocol.task.positions}{mesh}"


def _alignment(protocol: Protocol) -> str:
    return f"; PA is {_ALIGNED[protocol.alignment]}" if protocol.alignment != "none" else ""


def _breakdown(protocol: Protocol) -> str:
    names = [name.replace("+", " and ") for name in protocol.breakdown]
    return f"; broken down by {', '.join(names)}" if names else ""
