"""Plots of the leaderboard as SVG, written directly; colours are in `page.css`."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from zoo.results.leaderboard.rows import Row
from zoo.results.reported import COLUMNS

WIDTH, LEFT, RIGHT, STEP, TOP = 760, 250, 60, 20, 26


def dot_plot(rows: Sequence[Row], metric: str) -> str:
    """One line per row with a mark at its value: a filled square for measured rows, a ring for reported ones.

    Args:
        rows: those without the metric are left out.
        metric: column.
    """
    plotted = [row for row in rows if metric in row.values]
    if not plotted:
        return ""
    info = COLUMNS[metric]
    ticks = nice_ticks(max(row.values[metric] for row in plotted))
    scale = (WIDTH - LEFT - RIGHT) / ticks[-1]
    bottom = TOP + STEP * len(plotted)
    better = "higher" if info.higher_is_better else "lower"
    title = html.escape(f"{info.title}, {better} is better")
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {bottom + 24}" width="{WIDTH}" role="img" aria-label="{title}">',
        f'<text class="dim" x="{LEFT}" y="14">{title}</text>',
    ]
    for tick in ticks:
        x = LEFT + tick * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{bottom}"/>')
        parts.append(f'<text class="dim" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for number, row in enumerate(plotted):
        parts += _mark(row, metric, LEFT + row.values[metric] * scale, TOP + STEP * (number + 0.5))
    return "\n".join([*parts, "</svg>"])


def _mark(row: Row, metric: str, x: float, y: float) -> list[str]:
    label = row.label if len(row.label) <= 38 else f"{row.label[:37]}…"
    value = COLUMNS[metric].format(row.values[metric])
    if row.kind == "measured":
        mark = f'<rect class="measured" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10">'
    else:
        mark = f'<circle class="reported" cx="{x:.1f}" cy="{y:.1f}" r="4.5">'
    hint = html.escape(f"{row.label}: {value} ({row.kind}, {row.source})")
    closing = "</rect>" if row.kind == "measured" else "</circle>"
    return [
        f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{html.escape(label)}</text>',
        f"{mark}<title>{hint}</title>{closing}",
        f'<text class="dim" x="{x + 10:.1f}" y="{y + 4:.1f}">{value}</text>',
    ]


def nice_ticks(largest: float) -> list[float]:
    """Round numbers from 0 to at least `largest`, four to eight of them; 0 to 1 when `largest` is not positive."""
    if largest <= 0:
        return [0.0, 1.0]
    rough = largest / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return [number * step for number in range(math.ceil(largest / step * (1 - 1e-9)) + 1)]
