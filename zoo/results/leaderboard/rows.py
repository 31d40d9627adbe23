"""Rows of the leaderboard, from result files and from the papers' tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from body.choices import unknown_name
from metrics import PROTOCOLS
from zoo.errors import ZooError
from zoo.results.files import read_results
from zoo.results.orders import order_sentence
from zoo.results.reported import COLUMNS, UNSTATED, ReportedPaper, ReportedRow, ReportedTable, read_reported
from zoo.results.result import Groups, Result
from zoo.results.small import SmallRun, SmallTable, read_small_tables

Kind = Literal["measured", "reported"]


@dataclass(frozen=True)
class Row:
    """One row of the leaderboard: measured with this zoo, or reported by a paper.

    Attributes:
        protocol: id of the protocol, or `unstated`.
        kind: origin of the values; determines their columns.
        method: name of the method, as the paper or the zoo gives it.
        zoo_method: name of the method in this zoo; empty for others.
        settings: distinguish a reported row from others of its method.
        values: column -> value.
        groups: breakdown -> group -> metric -> value, and `n` in measured rows.
        weights: name of the weights; empty for reported rows.
        root_depth: where the root's depth was taken from, `given` is the label; empty for reported rows.
        samples: samples evaluated; None for reported rows.
        date: day of the measurement; empty for reported rows.
        source: paper and table of reported rows; start of the weights' SHA-256, device and precision of measured ones.
        table: the paper's table, when the row is only comparable within it; empty otherwise.
        ablation: whether the table compares variants of one method.
        note: remark on the row.
        context: remarks on all rows of its table or tables.
    """

    protocol: str
    kind: Kind
    method: str
    zoo_method: str
    settings: str
    values: dict[str, float]
    groups: Groups
    weights: str
    root_depth: str
    samples: int | None
    date: str
    source: str
    table: str
    ablation: bool
    note: str
    context: tuple[str, ...]

    @property
    def label(self) -> str:
        """The weights, or the method and its settings."""
        return self.weights or ", ".join(text for text in (self.method, self.settings) if text)


def leaderboard(protocol: str | None = None, folder: Path | None = None) -> list[Row]:
    """Rows of one protocol, or of all, best first within each protocol and kind; ablations come last, by table.

    Of several measurements of the same weights, data and root depths the newest is taken. Numbers that several tables
    print for one method under one protocol are merged into one row, unless they contradict each other.

    Args:
        protocol: a protocol id or `unstated`; all when omitted.
        folder: measured results besides those of the package; `zoo.results.files.results_folder()` when omitted.

    Raises:
        ZooError: no such protocol, or a broken result file.
    """
    order = [*PROTOCOLS, UNSTATED]
    if protocol is not None and protocol not in order:
        raise ZooError(unknown_name("protocol", protocol, order))
    papers = read_reported()
    rows = [
        *map(_measured_row, newest_results(read_results(folder))),
        *_merge_rows([row for p in papers for row in _reported_rows(p, papers)]),
        *(row for table in read_small_tables() for row in _small_rows(table, papers)),
    ]
    chosen = [row for row in rows if protocol in (None, row.protocol)]
    # rows that are only comparable within their table keep its order: the sort is stable
    return sorted(
        chosen,
        key=lambda row: (order.index(row.protocol), row.ablation, row.kind, *(() if row.table else ranking_key(row))),
    )


def newest_results(results: Sequence[Result]) -> list[Result]:
    """The latest measurement for every combination of weights, data, protocol and source of the root's depth."""
    by_key: dict[tuple[str, ...], Result] = {}
    for result in sorted(results, key=lambda result: result.date):
        weights = (result.weights, result.weights_sha256)
        by_key[result.protocol, *weights, result.data_fingerprint, result.root_depth] = result
    return list(by_key.values())


def metric_columns(protocol: str) -> tuple[str, ...]:
    """Columns of a protocol's table, in order; the metrics of the protocol come first."""
    first = PROTOCOLS[protocol].metrics if protocol in PROTOCOLS else ()
    return (*first, *(name for name in COLUMNS if name not in first))


def ranking_key(row: Row) -> tuple[float, ...]:
    """Sort key: the protocol's metrics in turn, better is smaller; missing values come last."""
    ranks = []
    for metric in metric_columns(row.protocol):
        value = row.values.get(metric)
        ranks.append(float("inf") if value is None else -value if COLUMNS[metric].higher_is_better else value)
    return tuple(ranks)


def _measured_row(result: Result) -> Row:
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
        root_depth=result.root_depth,
        samples=result.samples,
        date=result.date[:10],
        source=f"{result.weights_sha256[:8]}, {result.device}, {result.precision}",
        table="",
        ablation=False,
        note=f"data {result.data_fingerprint[:12]}",
        context=(),
    )


def _small_rows(table: SmallTable, papers: Sequence[ReportedPaper]) -> Iterator[Row]:
    """A row for each row of an ablation at small size: means over its trainings."""
    paper = next(paper for paper in papers if paper.method == table.method)
    printed = next((one for one in paper.tables if (one.table, one.title) == (table.table, table.title)), None)
    order = order_sentence(table, printed) if printed else ""
    for label in dict.fromkeys(run.row for run in table.runs):
        runs = [run for run in table.runs if run.row == label]
        yield Row(
            protocol="open-v1",
            kind="measured",
            method=label,
            zoo_method=table.method,
            settings="",
            values={metric: sum(run.values[metric] for run in runs) / len(runs) for metric in runs[0].values},
            groups={},
            weights="",
            root_depth=runs[0].root_depth,
            samples=runs[0].samples,
            date=max(run.date for run in runs)[:10],
            source=_spread(runs),
            table=f"{paper.name}, table {table.table} at small size: {table.title}",
            ablation=True,
            note="",
            context=(
                "tiny networks and few steps on the open benchmark: the order of rows can be compared with the "
                "paper's, the numbers cannot",
                *(text for text in (order, table.note) if text),
            ),
        )


def _spread(runs: Sequence[SmallRun]) -> str:
    """The first metric of every training."""
    values = [f"{next(iter(run.values.values())):.1f}" for run in runs]
    return f"{len(runs)} seed{'s' if len(runs) > 1 else ''}: {' / '.join(values)}"


def _reported_rows(paper: ReportedPaper, papers: Sequence[ReportedPaper]) -> Iterator[Row]:
    methods = {other.name: other.method for other in papers}
    for table in paper.tables:
        source = f"{paper.name}, table {table.table}"
        table_title = f"{source}: {table.title}" if table.ablation or table.protocol == UNSTATED else ""
        for entry in table.rows:
            if not (entry.values or entry.cells):  # named without a number
                continue
            row = Row(
                protocol=table.protocol,
                kind="reported",
                method=entry.method,
                zoo_method=paper.method if entry.own else methods.get(entry.method, ""),
                settings=table.settings_of(entry),
                values=entry.values,
                groups=_cells_by_group(table, entry),
                weights="",
                root_depth="",
                samples=None,
                date="",
                source=source,
                table=table_title,
                ablation=table.ablation,
                note=entry.note,
                context=tuple(
                    text if table_title else f"{source}: {text}" for text in (table.reason, table.note) if text
                ),
            )
            if entry.values or not (table.breakdown and table.breakdown.protocols):
                yield row
            yield from _rows_of_group_protocols(table, entry, row)


def _cells_by_group(table: ReportedTable, entry: ReportedRow) -> Groups:
    if not table.breakdown:
        return {}
    cells = zip(table.breakdown.groups, entry.cells, strict=False)  # a row without cells has none
    by_group = {group: {table.breakdown.metric: value} for group, value in cells if value is not None}
    return {table.breakdown.field: by_group} if by_group else {}


def _rows_of_group_protocols(table: ReportedTable, entry: ReportedRow, row: Row) -> Iterator[Row]:
    """Rows for cells that are the overall number of another protocol."""
    for by_group in _cells_by_group(table, entry).values():
        for group, values in by_group.items():
            protocol = table.breakdown.protocols.get(group) if table.breakdown else None
            if protocol:
                yield replace(row, protocol=protocol, values=values, groups={})


def _merge_rows(rows: Sequence[Row]) -> list[Row]:
    """Merge rows of one method under one protocol that do not contradict each other."""
    merged: list[Row] = []
    for row in rows:
        index = next((index for index, other in enumerate(merged) if _is_consistent(row, other)), None)
        if index is None:
            merged.append(row)
            continue
        other = merged[index]
        merged[index] = replace(
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


def _is_consistent(row: Row, other: Row) -> bool:
    same = (row.protocol, row.method, row.settings) == (other.protocol, other.method, other.settings)
    if not same or row.table or other.table:
        return False
    values = all(other.values.get(name, value) == value for name, value in row.values.items())
    return values and all(other.groups.get(name, groups) == groups for name, groups in row.groups.items())
