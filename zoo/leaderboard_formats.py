"""The leaderboard as a terminal table, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from metrics import METRIC_LABELS, METRIC_UNITS
from zoo.errors import ZooError
from zoo.leaderboard import Kind, Row, by_protocol, heading, metrics_of

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

KINDS: tuple[Kind, ...] = ("measured", "reported")


def columns_of(protocol: str, rows: Sequence[Row]) -> list[tuple[str, Kind]]:
    """(metric, kind) of every value column that has a value in some row; measured ones come first."""
    return [
        (metric, kind)
        for kind in KINDS
        for metric in metrics_of(protocol)
        if any(row.kind == kind and metric in row.values for row in rows)
    ]


def _header(protocol: str, rows: Sequence[Row]) -> list[str]:
    values = [f"{METRIC_LABELS[m]} {METRIC_UNITS[m]} ({kind})" for m, kind in columns_of(protocol, rows)]
    return ["method", *values, *(("n", "weights", "date") if _any_measured(rows) else ()), "source"]


def _any_measured(rows: Sequence[Row]) -> bool:
    return any(row.kind == "measured" for row in rows)


def _cells(row: Row, columns: Sequence[tuple[str, Kind]]) -> list[str]:
    values = [f"{row.values[m]:.1f}" if row.kind == kind and m in row.values else "" for m, kind in columns]
    facts = ["" if row.samples is None else str(row.samples), row.weights, row.date]
    return [row.method, *values, *(facts if any(kind == "measured" for _, kind in columns) else ()), row.source]


def as_table(rows: Sequence[Row]) -> Group:
    """One table per protocol for the terminal (print it with rich)."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Table | Text] = []
    for protocol, members in by_protocol(rows).items():
        columns = columns_of(protocol, members)
        table = Table(title=protocol, title_justify="left", title_style="bold")
        for number, name in enumerate(_header(protocol, members)):
            table.add_column(name, justify="right" if name == "n" or 1 <= number <= len(columns) else "left")
        for row in members:
            table.add_row(*map(Text, _cells(row, columns)), style="bold" if row.kind == "measured" else "")
        parts += [table, Text(heading(protocol), style="dim"), Text()]
    return Group(*parts)


def group_table(row: Row, field: str = "action") -> Table:
    """The breakdown of one measured row for the terminal.

    Args:
        row: a measured row.
        field: which breakdown.

    Raises:
        ZooError: the row has no such breakdown.
    """
    from rich.table import Table

    if field not in row.groups:
        raise ZooError(f"{row.weights or row.method} has no results by {field}")
    table = Table(title=f"{row.weights} on {row.protocol}, by {field}", title_justify="left")
    metrics = [metric for metric in metrics_of(row.protocol) if metric in row.values]
    table.add_column(field)
    for metric in metrics:
        table.add_column(f"{METRIC_LABELS[metric]} {METRIC_UNITS[metric]}", justify="right")
    table.add_column("n", justify="right")
    for name, values in row.groups[field].items():
        cells = [f"{values[metric]:.1f}" if metric in values else "" for metric in metrics]
        table.add_row(name, *cells, f"{values['n']:.0f}")
    return table


def as_markdown(rows: Sequence[Row]) -> str:
    """One Markdown table per protocol, under the protocol's description."""
    parts = []
    for protocol, members in by_protocol(rows).items():
        columns, header = columns_of(protocol, members), _header(protocol, members)
        ruler = ["---:" if name == "n" or 1 <= number <= len(columns) else "---" for number, name in enumerate(header)]
        lines = [header, ruler, *(_cells(row, columns) for row in members)]
        table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        parts.append(f"### {protocol}\n\n{heading(protocol)}\n\n{table}\n")
    return "\n".join(parts)


def as_csv(rows: Sequence[Row]) -> str:
    """One line per row; a column per metric and kind over all protocols."""
    used = dict.fromkeys(
        column for protocol, members in by_protocol(rows).items() for column in columns_of(protocol, members)
    )
    columns = sorted(used, key=lambda column: (KINDS.index(column[1]), list(METRIC_UNITS).index(column[0])))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    values = [f"{metric}_{METRIC_UNITS[metric].replace('%', 'percent')}_{kind}" for metric, kind in columns]
    writer.writerow(["protocol", "method", *values, "n", "weights", "date", "source", "note"])
    for row in rows:
        numbers = [row.values.get(metric, "") if row.kind == kind else "" for metric, kind in columns]
        samples = "" if row.samples is None else row.samples
        writer.writerow([row.protocol, row.method, *numbers, samples, row.weights, row.date, row.source, row.note])
    return file.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """A list of objects; the values stand under `measured` or `reported`."""
    objects = []
    for row in rows:
        entry = dataclasses.asdict(row)
        entry[entry.pop("kind")] = entry.pop("values")
        objects.append(entry)
    return json.dumps(objects, indent=2, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {"markdown": as_markdown, "csv": as_csv, "json": as_json}
"""Text formats; `table` is `as_table`, which rich prints."""
