"""The leaderboard: what papers report and what was measured here, side by side and never in one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from metrics import METRIC_UNITS, PROTOCOLS, Protocol
from zoo.errors import ZooError
from zoo.reported import UNSTATED, ReportedTable, read_reported
from zoo.results import Groups, Result, read_results

Kind = Literal["measured", "reported"]


@dataclass(frozen=True)
class Row:
    """One line of the leaderboard: measured here, or reported by a paper.

    Attributes:
        protocol: id of the protocol, or `unstated`.
        kind: where the values come from; it decides the columns they stand in.
        method: name of the method.
        values: metric -> value.
        weights: name of the weights; empty for reported rows.
        samples: samples evaluated; None for reported rows.
        date: day of the measurement; empty for reported rows.
        source: paper and table of reported rows; start of the weights' checksum and the device of measured ones.
        note: what else one must know.
        groups: per-action and other breakdowns of measured rows.
    """

    protocol: str
    kind: Kind
    method: str
    values: dict[str, float]
    weights: str
    samples: int | None
    date: str
    source: str
    note: str
    groups: Groups


def leaderboard(protocol: str | None = None, folder: Path | None = None) -> list[Row]:
    """Rows of one protocol, or of all, best first within each protocol and kind.

    Of several measurements of the same weights on the same data the newest is shown.

    Args:
        protocol: a protocol id or `unstated`; all when omitted.
        folder: measured results besides those of the package; `zoo.results.results_folder()` when omitted.

    Raises:
        ZooError: no such protocol, or a broken result file.
    """
    if protocol is not None and protocol != UNSTATED and protocol not in PROTOCOLS:
        raise ZooError(f"no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}, {UNSTATED}")
    newest: dict[tuple[str, str, str, str], Result] = {}
    for result in sorted(read_results(folder), key=lambda result: result.date):
        newest[result.protocol, result.weights, result.weights_sha256, result.data_fingerprint] = result
    rows = [_measured(result) for result in newest.values()]
    rows += [row for table in read_reported() for row in _reported(table)]
    order = [*PROTOCOLS, UNSTATED]
    chosen = [row for row in rows if protocol in (None, row.protocol)]
    return sorted(chosen, key=lambda row: (order.index(row.protocol), row.kind, _apart(row), _rank(row)))


def metrics_of(protocol: str) -> tuple[str, ...]:
    """Metrics that a protocol's table shows, in order."""
    return PROTOCOLS[protocol].metrics if protocol in PROTOCOLS else tuple(METRIC_UNITS)


def _apart(row: Row) -> str:
    """Unstated numbers are sorted within their own table only: they may not even be of one data set."""
    return row.source if row.protocol == UNSTATED else ""


def _rank(row: Row) -> tuple[float, ...]:
    """Sort key: the protocol's metrics in turn, smaller is better; what is missing comes last."""
    ranks = []
    for metric in metrics_of(row.protocol):
        value = row.values.get(metric)
        ranks.append(float("inf") if value is None else value if METRIC_UNITS[metric] == "mm" else -value)
    return tuple(ranks)


def _measured(result: Result) -> Row:
    return Row(
        protocol=result.protocol,
        kind="measured",
        method=result.method,
        values=result.values,
        weights=result.weights,
        samples=result.samples,
        date=result.date[:10],
        source=f"{result.weights_sha256[:8]}, {result.device}, {result.precision}",
        note=f"data {result.data_fingerprint[:12]}",
        groups=result.groups,
    )


def _reported(table: ReportedTable) -> list[Row]:
    note = "; ".join(text for text in (table.title, table.note, table.reason) if text)
    title = f": {table.title}" if table.protocol == UNSTATED else ""
    return [
        Row(
            protocol=table.protocol,
            kind="reported",
            method=row.method,
            values=row.values,
            weights="",
            samples=None,
            date="",
            source=f"{table.paper_method}, {table.venue}, table {table.table}{title}",
            note=note,
            groups={},
        )
        for row in table.rows
    ]


def by_protocol(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each protocol, in the order they come."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.protocol, []).append(row)
    return found


def heading(protocol: str) -> str:
    """A protocol's description, or why rows have none."""
    if protocol in PROTOCOLS:
        described: Protocol = PROTOCOLS[protocol]
        return described.describe()
    return "`unstated`: the paper does not say by which protocol these numbers were obtained; do not compare them."
