"""The leaderboard as Markdown."""

from __future__ import annotations

import html
from collections.abc import Sequence

from zoo.results.leaderboard.rows import Row
from zoo.results.leaderboard.sections import Section, breakdowns, group_names
from zoo.results.reported import COLUMNS


def as_markdown(parts: Sequence[Section], *, actions: bool = False) -> str:
    """One Markdown table per section, under the description of its protocol.

    Args:
        parts: sections.
        actions: add the breakdowns.
    """
    return "\n".join(text for section in parts for text in (_section(section), *(_groups(section) if actions else ())))


def _section(section: Section) -> str:
    columns = section.columns
    shown = section.measured
    names = ["method", *(("weights", "root depth") if shown else ())]
    titles = [*names, *(f"{column.title} ({column.kind})" for column in columns), *(("n", "date") if shown else ())]
    lines = []
    for row in section.rows:
        what = [_name(row), *((row.weights, row.root_depth) if shown else ())]
        count = "" if row.samples is None else str(row.samples)
        cells = [column.cell(row) for column in columns]
        lines.append([*what, *cells, *((count, row.date) if shown else ()), row.source])
    table = _table([*titles, "source"], lines, len(columns) + bool(shown), names=len(names))
    return f"### {section.title}\n\n{section.text}\n\n{table}"


def _groups(section: Section) -> list[str]:
    texts = []
    for field, metric, kind, rows in breakdowns(section):
        info, names = COLUMNS[metric], group_names(field, rows)
        lines = []
        for row in rows:
            values = [row.groups[field].get(name, {}).get(metric) for name in names] + [row.values.get(metric)]
            lines.append(
                [row.weights or _name(row), *("" if value is None else info.format(value) for value in values)]
            )
        table = _table(["method", *names, "all"], lines, numbers=len(names) + 1)
        texts.append(f"#### {section.title} by {field}: {info.title}, {kind}\n\n{table}")
    return texts


def _name(row: Row) -> str:
    """The method and its settings; methods of this zoo with a link to their folder."""
    name = row.method
    if row.zoo_method:
        name = f"[{name}](lightning_modules/{row.zoo_method}/README.md)"
    return f"{name}, {row.settings}" if row.settings else name


def _table(titles: Sequence[str], lines: Sequence[Sequence[str]], numbers: int, names: int = 1) -> str:
    """A table; the first `numbers` columns after those of names are right-aligned."""
    ruler = ["---:" if names <= number < names + numbers else "---" for number in range(len(titles))]
    return "".join("| " + " | ".join(markdown_cell(cell) for cell in line) + " |\n" for line in (titles, ruler, *lines))


def markdown_cell(text: str) -> str:
    """A text that stays in its cell and is no HTML."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
