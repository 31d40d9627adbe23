"""Sections of the leaderboard: one table each, with its heading, rows and columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from metrics import PROTOCOLS
from zoo.results.leaderboard.rows import Kind, Row, metric_columns
from zoo.results.reported import COLUMNS, UNSTATED

KINDS: tuple[Kind, ...] = ("measured", "reported")


@dataclass(frozen=True)
class Column:
    """A value column.

    Attributes:
        metric: key of the values it shows.
        kind: of the rows it applies to.
        decimals: digits after the decimal point; not more than papers print.
    """

    metric: str
    kind: Kind
    decimals: int

    @property
    def title(self) -> str:
        """Name and unit."""
        return COLUMNS[self.metric].title

    def cell(self, row: Row) -> str:
        """The row's value, formatted, or an empty string."""
        value = row.values.get(self.metric) if row.kind == self.kind else None
        return "" if value is None else f"{value:.{self.decimals}f}"


@dataclass(frozen=True)
class Section:
    """One table of the leaderboard.

    Attributes:
        title: protocol id, or the paper's table.
        protocol: id of the protocol, or `unstated`.
        rows: in order.
        ablation: whether it is an ablation of one paper.
    """

    title: str
    protocol: str
    rows: tuple[Row, ...]
    ablation: bool

    @property
    def columns(self) -> list[Column]:
        """Value columns that have a value in some row: metric by metric, measured before reported."""
        return [
            Column(metric, kind, _decimals(metric, kind, self.rows))
            for metric in metric_columns(self.protocol)
            for kind in KINDS
            if any(row.kind == kind and metric in row.values for row in self.rows)
        ]

    @property
    def measured(self) -> bool:
        """Whether some row was measured."""
        return any(row.kind == "measured" for row in self.rows)

    @property
    def summary(self) -> str:
        """The data set, and the name of the protocol in papers."""
        if self.protocol == UNSTATED:
            return "protocol unstated, do not compare"
        protocol = PROTOCOLS[self.protocol]
        return f"{protocol.benchmark}; {protocol.aka}" if protocol.aka else protocol.benchmark

    @property
    def text(self) -> str:
        """The protocol's description, and the notes of tables and rows."""
        notes = dict.fromkeys(self._notes())
        if self.ablation and self.protocol != UNSTATED:
            described = f"Protocol `{self.protocol}`."
        else:
            described = PROTOCOLS[self.protocol].describe() if self.protocol in PROTOCOLS else "Protocol unstated."
        return " ".join((described, *(f"{note[0].upper()}{note[1:]}." for note in notes)))

    def _notes(self) -> Iterator[str]:
        for row in self.rows:
            yield from row.context
        for row in self.rows:
            if row.note and row.kind == "reported":
                yield f"{row.method}: {row.note}"


def _decimals(metric: str, kind: Kind, rows: Sequence[Row]) -> int:
    """Digits of the metric, or as many as the papers print when they print fewer."""
    decimals = COLUMNS[metric].decimals
    if kind == "measured":
        return decimals
    printed = [row.values[metric] for row in rows if row.kind == kind and metric in row.values]
    return min(decimals, max(len(str(value).partition(".")[2]) for value in printed))


def sections(rows: Iterable[Row]) -> list[Section]:
    """Sections by protocol, or by table where rows are only comparable within it; in order of first occurrence."""
    by_key: dict[tuple[str, str, bool], list[Row]] = {}
    for row in rows:
        by_key.setdefault((row.protocol, row.table, row.ablation), []).append(row)
    return [
        Section(table or protocol, protocol, tuple(members), ablation)
        for (protocol, table, ablation), members in by_key.items()
    ]


def breakdowns(section: Section) -> list[tuple[str, str, Kind, tuple[Row, ...]]]:
    """(field, metric, kind, rows) of every table by group; a metric that papers break down, or the first one."""
    tables: list[tuple[str, str, Kind, tuple[Row, ...]]] = []
    for field in dict.fromkeys(field for row in section.rows for field in row.groups):
        with_field = [row for row in section.rows if field in row.groups]
        printed = {
            metric for row in with_field if row.kind == "reported" for by in row.groups[field].values() for metric in by
        }
        metrics = [
            name
            for name in metric_columns(section.protocol)
            if name in (printed or metric_columns(section.protocol)[:1])
        ]
        for metric in metrics:
            for kind in KINDS:
                rows = tuple(row for row in with_field if row.kind == kind)
                if rows:
                    tables.append((field, metric, kind, rows))
    return tables


def group_names(field: str, rows: Sequence[Row]) -> list[str]:
    """Names of the groups of rows, in order of first occurrence."""
    return list(dict.fromkeys(name for row in rows for name in row.groups[field]))
