"""The frozen object that says what a number means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from body.skeleton import Skeleton, get_skeleton
from metrics.info import MetricInfo

if TYPE_CHECKING:
    from metrics.base import SampleMetric
    from metrics.tasks.task import Task

Alignment = Literal["none", "similarity", "rigid", "freihand"]
Averaging = Literal["samples", "pooled", "actions", "sequences", "cells"]
AVERAGINGS: dict[Averaging, str] = {
    "samples": "",
    "pooled": "",
    "actions": "action",
    "sequences": "sequence",
    "cells": "subject+action",
}
"""Ways of averaging, with the breakdown whose groups weigh the same."""

BREAKDOWNS = ("subject", "action", "sequence", "setting", "subject+action")
"""Batch fields by which results may be split; `setting` is a group of sequences, `a+b` is every pair of values."""

MODEL_ORIGIN = "model origin"
"""Instead of a root joint: both bodies are posed without translation and compared as they are."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to evaluate one benchmark. Two numbers may share a column only when they share a protocol.

    Attributes:
        id: name on the leaderboard.
        aka: what papers call it.
        benchmark: the data set.
        split: which part of it.
        samples_of: protocol whose test split it scores in another way; empty for one of its own.
        frames: which frames or images of the split.
        ground_truth: where the true joints and mesh come from, with body model and gender.
        task: class in `metrics.tasks` that evaluates it.
        scores: classes of the sample metrics that the task feeds, or names of numbers that the task itself reports; the
            first one sorts the leaderboard.
        skeleton: joint set that both sides are brought into, by joint name; empty when no joints are scored.
        joints: joints of the skeleton that are scored.
        distance_joints: joints of `mpjpe`, `pa_mpjpe` and their medians; `joints` when empty.
        head: top and bottom of the head, whose distance `pckh` is measured in; of the labels alone, so that a method
            need not predict them where they are not scored.
        torso: left and right shoulder, left and right hip, between whose midpoints `pck` measures the torso.
        matching: joints by which people are matched (`PeopleTask`).
        matched_only: whether only matched people count (`PeopleTask`).
        classes: number of labels with the background (`PartsTask`).
        aliases: (joint of the skeleton, joint that may stand for it where a joint set does not have it); of several for
            one joint the first counts.
        body: body model whose joint regressors are used, as named by `body.load.load_body`; empty for none.
        regressor: joint set that a predicted mesh is regressed to; None to take the predicted joints. A prediction
            without a mesh is always taken by its joints.
        target_regressor: the same for the ground truth; None to take the annotated joints.
        root: joint that both sides are moved to before `mpjpe`, `pck3d` and `auc`, or `MODEL_ORIGIN`; empty for
            positions that are compared as they are.
        mesh_root: the same for `pve`.
        alignment: of `pa_` metrics: `similarity`, `rigid`, `freihand` (similarity, reflection allowed) or `none`.
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
    samples_of: str = ""
    frames: str
    ground_truth: str
    task: type[Task]
    scores: tuple[type[SampleMetric] | str, ...]
    skeleton: str = ""
    joints: tuple[str, ...] = ()
    distance_joints: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    torso: tuple[str, ...] = ()
    matching: tuple[str, ...] = ()
    matched_only: bool = False
    classes: int = 0
    aliases: tuple[tuple[str, str], ...] = ()
    body: str = ""
    regressor: str | None = None
    target_regressor: str | None = None
    root: str = ""
    mesh_root: str = ""
    alignment: Alignment = "none"
    breakdown: tuple[str, ...] = ()
    settings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    averaging: Averaging = "samples"
    note: str = ""

    def __post_init__(self) -> None:
        self._check_choices()
        self.task.check(self)
        if self.skeleton:
            self._check_joints()
        grouped = AVERAGINGS[self.averaging]
        if grouped and grouped not in self.breakdown:
            raise ValueError(f"protocol {self.id!r}: averaging {self.averaging!r} needs the breakdown {grouped!r}")
        if ("setting" in self.breakdown) != bool(self.settings):
            raise ValueError(f"protocol {self.id!r}: the breakdown 'setting' and `settings` need each other")
        aligned = [name for name in self.metrics if name.startswith("pa_")]
        if bool(aligned) != (self.alignment != "none"):
            raise ValueError(f"protocol {self.id!r}: alignment {self.alignment!r} with metrics {list(self.metrics)}")
        if ("pckh" in self.metrics) != (len(self.head) == 2):
            raise ValueError(f"protocol {self.id!r}: PCKh needs `head`, two joints")
        if ("pck" in self.metrics) != (len(self.torso) == 4) or not set(self.torso) <= set(self.joints):
            raise ValueError(f"protocol {self.id!r}: PCK needs `torso`, four of the scored joints")
        if self.root == MODEL_ORIGIN != self.mesh_root:
            raise ValueError(f"protocol {self.id!r}: joints at the {MODEL_ORIGIN} need meshes there")
        if (self.regressor or self.target_regressor or self.needs_body) and not self.body:
            raise ValueError(f"protocol {self.id!r}: needs a body model")

    def _check_choices(self) -> None:
        named = tuple(score for score in self.scores if isinstance(score, str))
        fed = tuple(score.field for score in self.scores if not isinstance(score, str))
        for name, values, allowed in (
            ("scores", named, tuple(self.task.reports)),
            ("scores' fields", fed, self.task.fields),
            ("alignment", (self.alignment,), get_args(Alignment)),
            ("averaging", (self.averaging,), get_args(Averaging)),
            ("breakdown", self.breakdown, BREAKDOWNS),
        ):
            unknown = [value for value in values if value not in allowed]
            if unknown:
                raise ValueError(f"protocol {self.id!r}: {name} must be one of {', '.join(allowed)}, not {unknown}")
        if not self.scores:
            raise ValueError(f"protocol {self.id!r}: `scores` is empty")

    def _check_joints(self) -> None:
        roots = {self.root, self.mesh_root} - {"", MODEL_ORIGIN}
        aliased = (joint for joint, _ in self.aliases)
        named = {*self.joints, *self.distance_joints, *self.matching, *self.head, *roots, *aliased}
        strange = named - set(get_skeleton(self.skeleton).joints)
        if strange:
            raise ValueError(f"protocol {self.id!r}: skeleton {self.skeleton!r} has no joints {sorted(strange)}")

    @cached_property
    def info(self) -> Mapping[str, MetricInfo]:
        """Unit, label and direction of every metric, by its name."""
        return dict(
            (score, self.task.reports[score]) if isinstance(score, str) else (score.name, score.info)
            for score in self.scores
        )

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in the order of `scores`."""
        return tuple(self.info)

    @property
    def data_id(self) -> str:
        """Id of the protocol by which a datamodule reads the test split."""
        return self.samples_of or self.id

    @property
    def primary(self) -> str:
        """The metric that sorts the leaderboard: the first one."""
        return self.metrics[0]

    @property
    def regressors(self) -> tuple[str, ...]:
        """Joint sets that are taken from meshes."""
        return tuple(dict.fromkeys(name for name in (self.regressor, self.target_regressor) if name is not None))

    @property
    def needs_body(self) -> bool:
        """Whether bodies are posed from parameters, so that a prediction must come with them."""
        return MODEL_ORIGIN in (self.root, self.mesh_root) or bool({"pve_s", "pve_p"} & set(self.metrics))

    @property
    def pixel_joints(self) -> tuple[str, ...]:
        """Joints that are compared in the image: the scored ones, then those of `head` that are not among them."""
        return (*self.joints, *(joint for joint in self.head if joint not in self.joints))

    def aliases_of(self, source: Skeleton) -> dict[str, str]:
        """For `Skeleton.positions_of`: for each joint that a joint set does not have, its first alias that is there."""
        present = set(source.joints)
        usable = [(joint, other) for joint, other in self.aliases if joint not in present and other in present]
        return dict(reversed(usable))

    def facts(self) -> dict[str, object]:
        """Every field as plain values, with the task and the metrics by name."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "scores"}
        return {**plain, "task": self.task.name, "metrics": self.metrics}

    def describe(self) -> str:
        """A paragraph of documentation, made from the fields."""
        from metrics.describe import describe

        return describe(self)
