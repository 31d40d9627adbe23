"""Every metric of a pose protocol, over a split and its groups, exact in any number of processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from metrics.base import Field
from metrics.functional.checks import check_finite
from metrics.pair import Pair
from metrics.protocol import AVERAGINGS, Protocol
from metrics.report import AVERAGE, NAME_COLUMNS, group_key, pack, unpack
from metrics.rows import IndexedMetric, as_float64


class PoseMetrics(IndexedMetric):
    """The sample metrics that a protocol names.

    Keeps the metrics' terms of every sample with the sample's unique `index`, gathers them from all processes, and
    adds up each index once, in order. So padding by a distributed sampler, the batch size and the number of processes
    do not change the result. (Where a protocol poses bodies, the batch size may change a vertex by 1e-16 m.)

    Args:
        protocol: its `scores` are classes of sample metrics.
    """

    def __init__(self, protocol: Protocol) -> None:
        parts = {score.name: score.for_protocol(protocol) for score in protocol.scores if not isinstance(score, str)}
        terms = sum(part.columns for part in parts.values())
        super().__init__(terms + NAME_COLUMNS * len(protocol.breakdown))
        self.protocol, self._terms = protocol, terms
        self._fields = {part.field for part in parts.values()}
        self.parts = parts  # not modules: only their functions of terms are used, never their states

    def update(
        self, pairs: Mapping[Field, Pair], index: Int[Tensor, " samples"], groups: Mapping[str, Sequence[str]]
    ) -> None:
        """Add a batch.

        Args:
            pairs: what is compared, by the metrics' `field`; a metric whose field is not there has no terms.
            index: position of each sample in the split.
            groups: field of the protocol's breakdown -> name of each sample's group.

        Raises:
            ValueError: a point that counts is NaN or infinite, on either side.
        """
        for field, pair in pairs.items():
            if field in self._fields:
                check_finite(pair.prediction, pair.valid, f"the prediction ({field})", index)
                check_finite(pair.target, pair.valid, f"the label ({field})", index)
        exact = as_float64(index)  # where numbers in float64 can be
        columns = [self._terms_of(name, pairs, exact) for name in self.parts]
        names = [pack(groups[field]).to(exact.device) for field in self.protocol.breakdown]
        self.add(exact.long(), torch.cat([*columns, *names], -1))

    def compute(self) -> dict[str, float]:
        """Every metric, averaged as the protocol says, and `n` (samples); then further keys with slashes.

        Groups are keys such as `action/walking/mpjpe` and `action/walking/n`. Where the protocol's breakdown allows
        other ways of averaging, `average/samples/mpjpe`, `average/actions/mpjpe` and so on hold every one of them.
        A metric that no sample had labels and predictions for is absent.
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
        self, name: str, pairs: Mapping[Field, Pair], index: Float64[Tensor, " samples"]
    ) -> Float64[Tensor, "samples columns"]:
        part = self.parts[name]
        if part.field in pairs:
            return part.terms(*pairs[part.field]).to(index.device)
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
