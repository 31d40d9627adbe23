"""The leaderboard for the terminal: tables that fit its width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zoo.results.leaderboard.rows import Row
from zoo.results.leaderboard.sections import Section, breakdowns, group_names
from zoo.results.reported import COLUMNS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

LABEL_WIDTH, SOURCE_WIDTH, NUMBER_WIDTH = 24, 17, 6
"""Minimum widths of the first and the last column, where longer text is wrapped, and of the others."""


def as_table(parts: Sequence[Section], *, width: int = 80, full: bool = False, actions: bool = False) -> RenderableType:
    """Tables for the terminal (print them with rich), split where the columns do not fit.

    Args:
        parts: sections.
        width: characters per line.
        full: add the descriptions of the protocols.
        actions: add the breakdowns.
    """
    from rich.console import Group
    from rich.text import Text

    lines: list[RenderableType] = []
    for section in parts:
        lines += [Text(section.title, style="bold"), Text(section.text if full else section.summary, style="dim"), ""]
        lines += [item for table in _value_tables(section, width) for item in (table, "")]
        if actions:
            lines += [item for table in _group_tables(section, width) for item in (table, "")]
    if any(row.zoo_method for section in parts for row in section.rows):
        lines.append(Text("In brackets: the method in this zoo, see zoo info METHOD.", style="dim"))
    return Group(*lines)


def _value_tables(section: Section, width: int) -> Iterator[Table]:
    """The value columns, as many per table as fit; measured and reported ones of a metric stay together."""
    columns = section.columns
    kinds = sorted({column.kind for column in columns})
    heads = {column: [*column.title.split(), *([column.kind] if len(kinds) > 1 else [])] for column in columns}
    metrics = list(dict.fromkeys(column.metric for column in columns))
    pairs = [[column for column in columns if column.metric == metric] for metric in metrics]
    widths = [sum(_width(heads[column]) for column in pair) for pair in pairs]
    for start, end in _chunks(widths, width - LABEL_WIDTH - SOURCE_WIDTH - 1):
        fitting = [column for pair in pairs[start:end] for column in pair]
        cells = [(row, [column.cell(row) for column in fitting]) for row in section.rows]
        lines = [(row, values, _source(row)) for row, values in cells if any(values)]
        yield _table(kinds[0] if len(kinds) == 1 else "", [heads[column] for column in fitting], lines, width)


def _group_tables(section: Section, width: int) -> Iterator[Table]:
    """One column per group, as many per table as fit, and the overall number last."""
    for field, metric, kind, rows in breakdowns(section):
        info = COLUMNS[metric]
        names = group_names(field, rows)
        heads = [name.split() for name in names] + [["all"]]
        for start, end in _chunks([_width(head) for head in heads], width - LABEL_WIDTH):
            lines = []
            for row in rows:
                values = [row.groups[field].get(name, {}).get(metric) for name in names] + [row.values.get(metric)]
                lines.append((row, ["" if value is None else info.format(value) for value in values[start:end]], ""))
            yield _table(f"{info.title}\n{kind}, by {field}", heads[start:end], lines, width)


def _table(
    title: str, heads: Sequence[Sequence[str]], lines: Sequence[tuple[Row, Sequence[str], str]], width: int
) -> Table:
    """A table of (row, value cells, source); spare width goes to the source, then to the label."""
    from rich import box
    from rich.table import Table

    height = max(title.count("\n") + 1, *map(len, heads))
    room = width - sum(map(_width, heads))
    source_width = max((len(text) for _, _, text in lines), default=0)
    source_width = min(source_width, max(SOURCE_WIDTH, room - LABEL_WIDTH - 1))
    label = min(max(len(_label(row)) for row, _, _ in lines), room - source_width - 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, show_edge=False, header_style="")
    table.add_column("\n" * (height - 1 - title.count("\n")) + title, width=max(LABEL_WIDTH, label))
    for head in heads:
        table.add_column("\n" * (height - len(head)) + "\n".join(head), width=_width(head) - 1, justify="right")
    if source_width:
        table.add_column("\n" * (height - 1) + "from", width=source_width)
    for row, values, text in lines:
        sources = [text] if source_width else []
        table.add_row(_label(row), *values, *sources, style="bold" if row.kind == "measured" else "")
    return table


def _width(head: Sequence[str]) -> int:
    """Characters that a column takes, with the space after it."""
    return 1 + max(NUMBER_WIDTH, *map(len, head))


def _chunks(widths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """(start, end) of runs that fit into the room; at least one column each."""
    start, used = 0, 0
    for number, width in enumerate(widths):
        if number > start and used + width > room:
            yield start, number
            start, used = number, 0
        used += width
    if widths:
        yield start, len(widths)


def _label(row: Row) -> Text:
    from rich.text import Text

    # the name of weights starts with their method
    linked = row.zoo_method and not row.weights
    return Text.assemble(row.label, (f" [{row.zoo_method}]", "cyan") if linked else "")


def _source(row: Row) -> str:
    """Origin of a number, for a narrow column."""
    if row.kind == "reported":
        return row.source
    return f"{row.samples:,} samples {row.date} {row.source.split(',')[0]} depth={row.root_depth}"
