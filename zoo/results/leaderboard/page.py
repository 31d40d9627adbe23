"""The leaderboard as one HTML page without scripts or external files, in light and dark."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from importlib.resources import files

from zoo.results.leaderboard.plots import dot_plot
from zoo.results.leaderboard.rows import Row
from zoo.results.leaderboard.sections import Section, breakdowns, group_names, sections
from zoo.results.reported import COLUMNS, find_differences, read_differences, read_reported

TITLE = "human-mesh-zoo: leaderboard"
INTRODUCTION = (
    "Numbers compare only within one protocol. <b class='measured'>Measured</b> numbers come from result files of this "
    "zoo, <b class='reported'>reported</b> ones are from the papers; they never share a column."
)


def as_html(rows: Sequence[Row]) -> str:
    """The page, with every row: a section per protocol, then ablations and numbers of unstated protocols, collapsed."""
    parts = sections(rows)
    main = [section for section in parts if not section.rows[0].table]
    collapsed = [section for section in parts if section.rows[0].table]
    style = files("zoo.results.leaderboard").joinpath("page.css").read_text(encoding="utf-8")
    links = "\n".join(f'<a href="#{_e(section.title)}">{_e(section.title)}</a>' for section in main)
    body = [
        f"<h1>{TITLE}</h1><p>{INTRODUCTION}</p><nav>{links}</nav>",
        *map(_section, main),
        _details("Numbers of unstated protocols", [_section(s) for s in collapsed if not s.ablation]),
        _details("Variants that papers compare (ablations)", [_section(s) for s in collapsed if s.ablation]),
        _details("Numbers that papers print differently", [_differences()]),
        _methods(),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{style}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _section(section: Section) -> str:
    columns = section.columns
    heads = [f'<th class="number {c.kind}">{_e(c.title)}<br>{c.kind}</th>' for c in columns]
    facts = ["n", "weights", "root depth", "date"] if section.measured else []
    lines = []
    for row in section.rows:
        if row.values:
            samples = "" if row.samples is None else f"{row.samples:,}"
            about = [samples, row.weights, row.root_depth, row.date] if facts else []
            cells = [f'<td class="number {c.kind}">{c.cell(row)}</td>' for c in columns]
            texts = [f"<td>{_e(text)}</td>" for text in (*about, row.source)]
            lines.append(f'<tr class="{row.kind}"><td>{_name(row)}</td>{"".join(cells + texts)}</tr>')
    head = f"<tr><th>method</th>{''.join(heads)}{''.join(f'<th>{name}</th>' for name in (*facts, 'source'))}</tr>"
    heading = "h3" if section.rows[0].table else "h2"
    parts = [
        f'<{heading} id="{_e(section.title)}">{_e(section.title)}</{heading}><p class="dim">{_prose(section.text)}</p>'
    ]
    if lines:
        parts.append(_table(head, lines))
    if not section.rows[0].table:
        parts.append(dot_plot(section.rows, columns[0].metric) if columns else "")
    tables = _group_tables(section)
    return "\n".join([*parts, _details("By " + ", ".join(dict.fromkeys(f for f, *_ in breakdowns(section))), tables)])


def _group_tables(section: Section) -> list[str]:
    """A table per breakdown, metric and kind."""
    tables = []
    for field, metric, kind, rows in breakdowns(section):
        info, names = COLUMNS[metric], group_names(field, rows)
        head = "".join(f'<th class="number">{_e(name)}</th>' for name in (*names, "all"))
        lines = []
        for row in rows:
            values = [row.groups[field].get(name, {}).get(metric) for name in names] + [row.values.get(metric)]
            cells = "".join(f'<td class="number">{"" if v is None else info.format(v)}</td>' for v in values)
            lines.append(f"<tr><td>{_name(row)}</td>{cells}</tr>")
        tables.append(_table(f"<tr><th>{_e(info.title)}, {kind}, by {_e(field)}</th>{head}</tr>", lines))
    return tables


def _differences() -> str:
    """Numbers that papers print with more than one value, and why."""
    reasons = read_differences()
    lines = []
    for what, printed in find_differences(read_reported()).items():
        cells = "<br>".join(f"{_e(source)}: {value}" for source, value in printed.items() if not what.field)
        cells = cells or "<br>".join(_e(source) for source in printed)
        about = f"{what.method}, {what.benchmark}, {COLUMNS[what.metric].title}{what.field and f', by {what.field}'}"
        lines.append(f"<tr><td>{_e(about)}</td><td>{cells}</td><td>{_e(reasons.get(what, ''))}</td></tr>")
    return _table("<tr><th>number</th><th>printed</th><th>why</th></tr>", lines)


def _methods() -> str:
    """The methods of the zoo; rows link to them."""
    lines = [
        f'<tr id="method-{paper.method}"><td>{paper.method}</td><td>{_e(paper.name)}</td>'
        f"<td>{_e(paper.paper)}<br>{_e(paper.authors)}, {_e(paper.venue)}</td></tr>"
        for paper in read_reported()
    ]
    return "<h2>Methods of the zoo</h2>" + _table("<tr><th>zoo</th><th>in tables</th><th>paper</th></tr>", lines)


def _name(row: Row) -> str:
    """Method and settings; methods of the zoo link to the list at the end."""
    name = f'<a href="#method-{row.zoo_method}">{_e(row.method)}</a>' if row.zoo_method else _e(row.method)
    return f"{name}, {_e(row.settings)}" if row.settings else name


def _table(head: str, lines: Sequence[str]) -> str:
    return f'<div class="wide"><table>{head}\n' + "\n".join(lines) + "</table></div>"


def _details(title: str, parts: Sequence[str]) -> str:
    """Collapsed content; an empty string when there is none."""
    return f"<details><summary>{_e(title)}</summary>\n" + "\n".join(parts) + "\n</details>" if parts else ""


def _prose(text: str) -> str:
    """Text with its names in backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _e(text))


def _e(text: str) -> str:
    return html.escape(text)
