"""Evaluation of predictions against batches under a protocol, exact in any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from body.model import BodyModel
from body.skeleton import Skeleton, get_skeleton
from metrics.base import SampleMetric
from metrics.distance import MPJPE, MRPE, PAMPJPE, PAPVE, PVE, PVEP, PVES
from metrics.inputs import Inputs, Pair, Predicted
from metrics.pose2d import PCKh
from metrics.protocols import Protocol
from metrics.protocols.protocol import AVERAGINGS
from metrics.report import AVERAGE, NAME_COLUMNS, group_key, pack, unpack
from metrics.rotation import QuaternionError
from metrics.rows import IndexedMetric, Median, as_float64
from metrics.threshold import AUC, PCK3D

POSE_METRICS: dict[str, Callable[[Protocol], SampleMetric]] = {
    "mpjpe": lambda _: MPJPE(),
    "mpjpe_median": lambda _: Median(MPJPE()),
    "pa_mpjpe": lambda protocol: PAMPJPE(scaling=protocol.alignment == "similarity"),
    "pa_mpjpe_median": lambda protocol: Median(PAMPJPE(scaling=protocol.alignment == "similarity")),
    "pve": lambda _: PVE(),
    "pa_pve": lambda protocol: PAPVE(scaling=protocol.alignment == "similarity"),
    "pve_s": lambda _: PVES(),
    "pve_p": lambda _: PVEP(),
    "mrpe": lambda _: MRPE(),
    "quaternion_error": lambda _: QuaternionError(),
    "pck3d": lambda _: PCK3D(),
    "auc": lambda _: AUC(),
    "pckh": lambda protocol: PCKh(*(protocol.joints.index(joint) for joint in protocol.head)),
}
"""How each metric of a `pose` protocol is made; what they are fed is relative to the protocol's root already."""

_DISTANCES = ("mpjpe", "mpjpe_median", "pa_mpjpe", "pa_mpjpe_median")


class Evaluation(IndexedMetric):
    """Metrics of one protocol over a split.

    Keeps the metrics' terms of every sample with the sample's unique `index`, gathers them from all processes, and
    adds up each index once, in order. So padding by a distributed sampler, the batch size and the number of processes
    do not change the result. (Where a protocol poses bodies, the batch size may change a vertex by 1e-16 m.)

    Args:
        protocol: what is evaluated; its task is `pose`.
        regressors: joint-set name -> (joints, vertices) weights, for those that the protocol names.
        target_skeleton: skeleton of `batch["joints"]`; the protocol's when omitted. Not needed when the protocol
            regresses the true joints from the mesh.
        body: the protocol's body model, where it poses bodies.

    Raises:
        ValueError: a regressor or the body that the protocol needs is missing, or the labels lack scored joints.
    """

    def __init__(
        self,
        protocol: Protocol,
        regressors: Mapping[str, Float[Tensor, "joints vertices"]] | None = None,
        target_skeleton: Skeleton | None = None,
        body: BodyModel | None = None,
    ) -> None:
        parts = {name: POSE_METRICS[name](protocol) for name in protocol.metrics}
        terms = sum(part.columns for part in parts.values())
        super().__init__(terms + NAME_COLUMNS * len(protocol.breakdown))
        self.protocol, self._terms = protocol, terms
        # Neither the parts nor the inputs are modules: a cast to half precision must not round them, and nothing of
        # a body may enter a checkpoint.
        self.parts = parts
        self.inputs = Inputs(protocol, regressors or {}, target_skeleton or get_skeleton(protocol.skeleton), body)
        self._setting = {sequence: name for name, sequences in protocol.settings for sequence in sequences}

    def update(self, prediction: Predicted, batch: Mapping[str, Any]) -> None:
        """Add a batch.

        Args:
            prediction: joints, their skeleton, and vertices or None.
            batch: a `datamodules.batch.Batch`.

        Raises:
            ValueError: see `metrics.inputs.Inputs`; or a sequence is of no setting of the protocol.
        """
        inputs = self.inputs(prediction, batch)
        index = as_float64(batch["index"])  # where numbers in float64 can be
        columns = [self._terms_of(name, inputs, index) for name in self.parts]
        names = [pack(self._names(field, batch)).to(index.device) for field in self.protocol.breakdown]
        self.add(index.long(), torch.cat([*columns, *names], -1))

    def compute(self) -> dict[str, float]:
        """Every metric, averaged as the protocol says, and `n` (samples); then further keys with slashes.

        Groups are keys such as `action/walking/mpjpe` and `action/walking/n`. Where the protocol's breakdown allows
        other ways of averaging, `average/samples/mpjpe`, `average/actions/mpjpe` and so on hold every one of them.
        A metric that no sample had labels and predictions for is absent. NaN means that a prediction was NaN.
        """
        index, rows = self.samples()
        if len(index) == 0:
            return {"n": 0.0}
        terms, fields = rows[:, : self._terms].contiguous(), self.protocol.breakdown
        packed = rows[:, self._terms :].reshape(len(rows), len(fields), NAME_COLUMNS).unbind(1)
        tables = {field: self._table(terms, names) for field, names in zip(fields, packed, strict=True)}
        means = {"samples": self._values(terms)}
        means |= {way: self._mean(tables[field]) for way, field in AVERAGINGS.items() if field in tables}
        report = {**means.get(self.protocol.averaging, means["samples"]), "n": float(len(index))}
        if len(means) > 1:
            tables[AVERAGE] = {way: {k: v for k, v in row.items() if k != "n"} for way, row in means.items()}
        rows_of = ((field, name, row) for field, table in tables.items() for name, row in table.items())
        return report | {group_key(field, name, k): v for field, name, row in rows_of for k, v in row.items()}

    def _terms_of(
        self, name: str, inputs: Mapping[str, Pair], index: Float64[Tensor, " samples"]
    ) -> Float64[Tensor, "samples columns"]:
        part = self.parts[name]
        field = "distance_joints" if name in _DISTANCES else part.field
        if field in inputs:
            return part.terms(*inputs[field]).to(index.device)
        return index.new_zeros(len(index), part.columns)

    def _values(self, terms: Float64[Tensor, "samples columns"]) -> dict[str, float]:
        values, start = dict[str, float](), 0
        for name, part in self.parts.items():
            columns = terms[:, start : start + part.columns]
            start += part.columns
            if columns.any():
                values[name] = part.reduce(columns).item()
        return {**values, "n": float(len(terms))}

    def _table(
        self, terms: Float64[Tensor, "samples columns"], packed: Float64[Tensor, "samples 8"]
    ) -> dict[str, dict[str, float]]:
        """The values of every group of one breakdown, by name."""
        names, which = unpack(packed)
        return {name: self._values(terms[which == number]) for number, name in enumerate(names)}

    def _mean(self, table: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """Mean over groups, each weighing the same; a group without a metric is left out."""
        means = {}
        for name in self.parts:
            cells = [row[name] for row in table.values() if name in row]
            if cells:
                means[name] = sum(cells) / len(cells)
        return means

    def _names(self, field: str, batch: Mapping[str, Any]) -> list[str]:
        """The group of each sample in one breakdown."""
        if field != "setting":
            columns = [[str(value) for value in batch[key]] for key in field.split("+")]
            return [" ".join(words) for words in zip(*columns, strict=True)]
        unknown = set(batch["sequence"]) - set(self._setting)
        if unknown:
            raise ValueError(f"protocol {self.protocol.id!r}: no setting has the sequences {sorted(unknown)}")
        return [self._setting[sequence] for sequence in batch["sequence"]]
