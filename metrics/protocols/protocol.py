"""The frozen object that says what a number means."""

from __future__ import annotations

from dataclasses import dataclass

from body.skeleton import Skeleton, get_skeleton
from metrics.protocols.units import METRIC_INFO

TASKS = ("pose", "hand", "people", "parts", "keypoints", "surface", "maps")
ALIGNMENTS = ("none", "similarity", "rigid", "freihand")
AVERAGINGS = {"samples": "", "pooled": "", "actions": "action", "sequences": "sequence", "cells": "subject+action"}
"""Ways of averaging, with the breakdown whose groups weigh the same."""

BREAKDOWNS = ("subject", "action", "sequence", "setting", "subject+action")
"""Batch fields by which results may be split; `setting` is a group of sequences, `a+b` is every pair of values."""

MODEL_ORIGIN = "model origin"
"""In place of a root joint: both bodies are posed without translation and compared as they are."""

_JOINT_TASKS = ("pose", "hand", "people", "keypoints")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to evaluate one benchmark. Two numbers may share a column only when they share a protocol.

    Attributes:
        id: name on the leaderboard.
        aka: what papers call it.
        benchmark: the data set.
        split: which part of it.
        frames: which frames or images of the split.
        ground_truth: where the true joints and mesh come from, with body model and gender.
        task: `pose` (one person's joints and mesh), `hand`, `people` (several at once), `parts` (segmentation),
            `keypoints` (2D, average precision), `surface` (dense correspondence at annotated points) or `maps` (the
            same at every pixel).
        skeleton: joint set that both sides are brought into, by joint name; empty when no joints are scored.
        joints: joints of the skeleton that are scored.
        distance_joints: joints of `mpjpe`, `pa_mpjpe` and their medians; `joints` when empty.
        head: top and bottom of the head, whose distance `pckh` is measured in.
        matching: joints by which people are matched (task `people`).
        matched_only: whether only matched people count (task `people`).
        classes: number of labels with the background (task `parts`).
        aliases: (joint of the skeleton, joint that may stand for it where a joint set does not have it).
        body: body model whose joint regressors are used, as named by `body.load.load_body`; empty for none.
        regressor: joint set that a predicted mesh is regressed to; None to take the predicted joints. A prediction
            without a mesh is always taken by its joints.
        target_regressor: the same for the ground truth; None to take the annotated joints.
        root: joint that both sides are moved to before `mpjpe`, `pck3d` and `auc`, or `MODEL_ORIGIN`; empty for
            positions that are compared as they are.
        mesh_root: the same for `pve`.
        alignment: of `pa_` metrics: `similarity`, `rigid`, `freihand` (similarity, reflection allowed) or `none`.
        metrics: names in `METRIC_INFO`; the first one sorts the leaderboard.
        breakdown: fields in `BREAKDOWNS` by which results are split.
        settings: (setting, its sequences) for the breakdown `setting`.
        averaging: a key of `AVERAGINGS`: every image weighs the same, or every scored pixel, point or person
            (`pooled`), or every action, sequence, or pair of subject and action.
        note: what else one must know.

    Raises:
        ValueError: a field has a value that is not known, or the task needs a field that is empty.
    """

    id: str
    aka: str = ""
    benchmark: str
    split: str
    frames: str
    ground_truth: str
    task: str = "pose"
    skeleton: str = ""
    joints: tuple[str, ...] = ()
    distance_joints: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    matching: tuple[str, ...] = ()
    matched_only: bool = False
    classes: int = 0
    aliases: tuple[tuple[str, str], ...] = ()
    body: str = ""
    regressor: str | None = None
    target_regressor: str | None = None
    root: str = ""
    mesh_root: str = ""
    alignment: str = "none"
    metrics: tuple[str, ...]
    breakdown: tuple[str, ...] = ()
    settings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    averaging: str = "samples"
    note: str = ""

    def __post_init__(self) -> None:
        self._check_choices()
        if self.task in _JOINT_TASKS:
            self._check_joints()
        grouped = AVERAGINGS[self.averaging]
        if grouped and grouped not in self.breakdown:
            raise ValueError(f"protocol {self.id!r}: averaging {self.averaging!r} needs the breakdown {grouped!r}")
        if ("setting" in self.breakdown) != bool(self.settings):
            raise ValueError(f"protocol {self.id!r}: the breakdown 'setting' and `settings` need each other")
        aligned = [name for name in self.metrics if name.startswith("pa_")]
        if bool(aligned) != (self.alignment != "none"):
            raise ValueError(f"protocol {self.id!r}: alignment {self.alignment!r} with metrics {list(self.metrics)}")
        if ("pckh" in self.metrics) != (len(self.head) == 2) or (self.task == "parts") != (self.classes > 1):
            raise ValueError(f"protocol {self.id!r}: PCKh needs `head`, two joints; the task 'parts' needs `classes`")
        if self.root == MODEL_ORIGIN != self.mesh_root:
            raise ValueError(f"protocol {self.id!r}: joints at the {MODEL_ORIGIN} need meshes there")
        if (self.regressor or self.target_regressor or self.needs_body) and not self.body:
            raise ValueError(f"protocol {self.id!r}: needs a body model")

    def _check_choices(self) -> None:
        for name, values, allowed in (
            ("metrics", self.metrics, METRIC_INFO),
            ("task", (self.task,), TASKS),
            ("alignment", (self.alignment,), ALIGNMENTS),
            ("averaging", (self.averaging,), AVERAGINGS),
            ("breakdown", self.breakdown, BREAKDOWNS),
        ):
            unknown = [value for value in values if value not in allowed]
            if unknown or (name == "metrics" and not values):
                raise ValueError(f"protocol {self.id!r}: {name} must be one of {', '.join(allowed)}, not {unknown}")

    def _check_joints(self) -> None:
        if not self.skeleton or not self.joints:
            raise ValueError(f"protocol {self.id!r}: task {self.task!r} needs a skeleton and its scored joints")
        roots = {self.root, self.mesh_root} - {"", MODEL_ORIGIN}
        aliased = (joint for joint, _ in self.aliases)
        named = {*self.joints, *self.distance_joints, *self.matching, *self.head, *roots, *aliased}
        strange = named - set(get_skeleton(self.skeleton).joints)
        if strange:
            raise ValueError(f"protocol {self.id!r}: skeleton {self.skeleton!r} has no joints {sorted(strange)}")

    @property
    def primary(self) -> str:
        """The metric that sorts the leaderboard: the first one."""
        return self.metrics[0]

    @property
    def needs_body(self) -> bool:
        """Whether bodies are posed from parameters, so that a prediction must come with them."""
        return MODEL_ORIGIN in (self.root, self.mesh_root) or bool({"pve_s", "pve_p"} & set(self.metrics))

    def aliases_of(self, source: Skeleton) -> dict[str, str]:
        """For `Skeleton.positions_of`: the aliases of those joints that a joint set does not have."""
        return {joint: other for joint, other in self.aliases if joint not in source.joints}

    def describe(self) -> str:
        """A paragraph of documentation, made from the fields."""
        from metrics.protocols.describe import describe

        return describe(self)
