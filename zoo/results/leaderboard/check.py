"""Comparison of measured numbers with those that the papers and the authors of the weights report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zoo.errors import ZooError
from zoo.results.leaderboard.rows import Row
from zoo.results.reported import COLUMNS, read_reported

ReportedByWeights = Mapping[str, Mapping[str, Mapping[str, float]]]

TOLERANCE = 0.01
"""Relative: one percent of the reported number, in either direction. A better number differs as much."""


@dataclass(frozen=True)
class Comparison:
    """One measured number beside its reported counterpart.

    Attributes:
        weights: name of the weights.
        protocol: of both numbers.
        metric: name of the metric.
        measured: with this zoo.
        reported: by the authors.
        source: of the reported number.
        tolerance: largest relative difference that counts as reproduced.
    """

    weights: str
    protocol: str
    metric: str
    measured: float
    reported: float
    source: str
    tolerance: float

    @property
    def label(self) -> str:
        """Name and unit of the metric."""
        return COLUMNS[self.metric].title

    @property
    def difference(self) -> float:
        """Relative to the reported number; positive when the measured one is larger."""
        if self.reported == 0:
            return 0.0 if self.measured == 0 else math.copysign(math.inf, self.measured)
        return (self.measured - self.reported) / abs(self.reported)

    @property
    def reproduced(self) -> bool:
        """Whether the difference is within the tolerance."""
        return abs(self.difference) <= self.tolerance


def compare(rows: Sequence[Row], by_authors: ReportedByWeights, tolerance: float = TOLERANCE) -> list[Comparison]:
    """Every measured number that has a reported counterpart of the same protocol and method.

    The counterpart is what the authors report for these weights under the protocol. If there is none, it is
    what papers print for the method without further settings.

    Args:
        rows: of the leaderboard, measured and reported ones.
        by_authors: weights -> protocol -> metric -> value, as `checkpoints.yaml` has them.
        tolerance: relative; see `TOLERANCE`.

    Raises:
        ZooError: the tolerance is negative or not a number.
    """
    if not tolerance >= 0:
        raise ZooError(f"the tolerance must be 0 or more, such as {TOLERANCE}, not {tolerance}")
    comparisons: list[Comparison] = []
    for row in rows:
        if row.kind == "measured":
            for reported, source in _find_counterparts(row, rows, by_authors):
                shared = [metric for metric in row.values if metric in reported]
                identity = (row.weights, row.protocol)
                comparisons += [Comparison(*identity, m, row.values[m], reported[m], source, tolerance) for m in shared]
    return comparisons


def _find_counterparts(
    row: Row, rows: Sequence[Row], by_authors: ReportedByWeights
) -> Iterator[tuple[Mapping[str, float], str]]:
    published = by_authors.get(row.weights, {})
    if row.protocol in published:
        yield published[row.protocol], "the weights' authors"
        return
    names = {paper.method: paper.name for paper in read_reported()}
    for other in rows:
        same = (other.kind, other.protocol, other.method) == ("reported", row.protocol, names.get(row.zoo_method))
        if same and not other.settings and not other.ablation:
            yield other.values, other.source
