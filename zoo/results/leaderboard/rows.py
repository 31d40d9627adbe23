"""Lines of the leaderboard, made from result files and from the papers' tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from metrics import PROTOCOLS
from zoo.errors import ZooError
from zoo.results.reported import COLUMNS, UNSTATED, ReportedPaper, ReportedRow, ReportedTable, read_reported
from zoo.results.result import Groups, Result, read_results

Kind = Literal["measured", "reported"]


@dataclass(frozen=True)
class Row:
    """One line of the leaderboard: measured here, or reported by a paper.

    Attributes:
        protocol: id of the protocol, or `unstated`.
        kind: where the values come from; it decides the columns they stand in.
        method: name of the method; papers have their own names for it.
        zoo_method: the method of this zoo that it is; empty for others.
        settings: what distinguishes a reported row from others of its method.
        values: column -> value.
        groups: breakdown -> group -> metric -> value, and `n` in measured rows.
        weights: name of the weights; empty for reported rows.
        samples: samples evaluated; None for reported rows.
        date: day of the measurement; empty for reported rows.
        source: paper and table of reported rows; start of the weights' checksum and the device of measured ones.
        table: the table that the row belongs to, when it does not compare beyond that table; empty otherwise.
        ablation: whether the table compares variants of one method.
        note: what else one must know about the row.
        context: what one must know about all rows of its table or tables.
    """

    protocol: str
    kind: Kind
    method: str
    zoo_method: str
    settings: str
    values: dict[str, float]
    groups: Groups
    weights: str
    samples: int | None
    date: str
    source: str
    table: str
    ablation: bool
    note: str
    context: tuple[str, ...]

    @property
    def label(self) -> str:
        """What the row is about: the weights, or the method and its settings."""
        return self.weights or ", ".join(text for text in (self.method, self.settings) if text)


def leaderboard(protocol: str | None = None, folder: Path | None = None) -> list[Row]:
    """Rows of one protocol, or of all, best first within each protocol and kind; ablations come last, by table.

    Of several measurements of the same weights on the same data the newest is shown. What several tables print of one
    method under one protocol is one row, unless they contradict each other.

    Args:
        protocol: a protocol id or `unstated`; all when omitted.
        folder: measured results besides those of the package; `zoo.results.result.results_folder()` when omitted.

    Raises:
        ZooError: no such protocol, or a broken result file.
    """
    order = [*PROTOCOLS, UNSTATED]
    if protocol is not None and protocol not in order:
        raise ZooError(f"no protocol {protocol!r}; there are {', '.join(order)}")
    papers = read_reported()
    rows = [
        *map(_measured, newest(read_results(folder))),
        *_merged([row for p in papers for row in _reported(p, papers)]),
    ]
    chosen = [row for row in rows if protocol in (None, row.protocol)]
    # rows that compare within their table only stay in its order: the sort is stable
    return sorted(
        chosen, key=lambda row: (order.index(row.protocol), row.ablation, row.kind, *(() if row.table else rank(row)))
    )


def newest(results: Sequence[Result]) -> list[Result]:
    """The last measurement of each weights on each data under each protocol."""
    found: dict[tuple[str, str, str, str], Result] = {}
    for result in sorted(results, key=lambda result: result.date):
        found[result.protocol, result.weights, result.weights_sha256, result.data_fingerprint] = result
    return list(found.values())


def metrics_of(protocol: str) -> tuple[str, ...]:
    """Columns that a protocol's table shows, in order; its own metrics come first."""
    own = PROTOCOLS[protocol].metrics if protocol in PROTOCOLS else ()
    return (*own, *(name for name in COLUMNS if name not in own))


def rank(row: Row) -> tuple[float, ...]:
    """Sort key: the protocol's metrics in turn, better is smaller; what is missing comes last."""
    ranks = []
    for metric in metrics_of(row.protocol):
        value = row.values.get(metric)
        ranks.append(float("inf") if value is None else -value if COLUMNS[metric].higher_is_better else value)
    return tuple(ranks)


def _measured(result: Result) -> Row:
    from lightning_modules import METHODS

    return Row(
        protocol=result.protocol,
        kind="measured",
        method=result.method,
        zoo_method=result.method if result.method in METHODS else "",
        settings="",
        values=result.values,
        groups=result.groups,
        weights=result.weights,
        samples=result.samples,
        date=result.date[:10],
        source=f"{result.weights_sha256[:8]}, {result.device}, {result.precision}",
        table="",
        ablation=False,
        note=f"data {result.data_fingerprint[:12]}",
        context=(),
    )


def _reported(paper: ReportedPaper, papers: Sequence[ReportedPaper]) -> Iterator[Row]:
    methods = {other.name: other.method for other in papers}
    for table in paper.tables:
        source = f"{paper.name}, table {table.table}"
        apart = f"{source}: {table.title}" if table.ablation or table.protocol == UNSTATED else ""
        for printed in table.rows:
            row = Row(
                protocol=table.protocol,
                kind="reported",
                method=printed.method,
                zoo_method=paper.method if printed.own else methods.get(printed.method, ""),
                settings=table.settings_of(printed),
                values=printed.values,
                groups=_groups(table, printed),
                weights="",
                samples=None,
                date="",
                source=source,
                table=apart,
                ablation=table.ablation,
                note=printed.note,
                context=tuple(text if apart else f"{source}: {text}" for text in (table.reason, table.note) if text),
            )
            if printed.values or not (table.breakdown and table.breakdown.protocols):
                yield row
            yield from _groups_with_protocols(table, printed, row)


def _groups(table: ReportedTable, printed: ReportedRow) -> Groups:
    if not table.breakdown:
        return {}
    cells = zip(table.breakdown.groups, printed.cells, strict=False)  # a row without cells has none
    by_group = {group: {table.breakdown.metric: value} for group, value in cells if value is not None}
    return {table.breakdown.field: by_group} if by_group else {}


def _groups_with_protocols(table: ReportedTable, printed: ReportedRow, row: Row) -> Iterator[Row]:
    """Cells that are the overall number of another protocol."""
    for by_group in _groups(table, printed).values():
        for group, values in by_group.items():
            protocol = table.breakdown.protocols.get(group) if table.breakdown else None
            if protocol:
                yield replace(row, protocol=protocol, values=values, groups={})


def _merged(rows: Sequence[Row]) -> list[Row]:
    """One row for what several tables print of one method under one protocol without contradiction."""
    merged: list[Row] = []
    for row in rows:
        twin = next((number for number, other in enumerate(merged) if _agree(row, other)), None)
        if twin is None:
            merged.append(row)
            continue
        other = merged[twin]
        merged[twin] = replace(
            other,
            values={**other.values, **row.values},
            groups={**other.groups, **row.groups},
            source=_joined(other.source, row.source),
            note=_joined(other.note, row.note),
            context=tuple(dict.fromkeys(other.context + row.context)),
        )
    return merged


def _joined(*texts: str) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _agree(row: Row, other: Row) -> bool:
    same = (row.protocol, row.method, row.settings) == (other.protocol, other.method, other.settings)
    if not same or row.table or other.table:
        return False
    values = all(other.values.get(name, value) == value for name, value in row.values.items())
    return values and all(other.groups.get(name, groups) == groups for name, groups in row.groups.items())
