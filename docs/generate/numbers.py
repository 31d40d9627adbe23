"""Numbers of bundled weights in hand-written documents, filled in from `checkpoints.yaml`.

A test compares those of it with the stored results, and README.md with what this module writes:
`PYTHONPATH=docs:. python -m generate.numbers` brings README.md up to date.
"""

from __future__ import annotations

import re
from pathlib import Path

from body.atomic import atomic_file
from lightning_modules import METHODS
from metrics.protocols import PROTOCOLS
from zoo.checkpoints.listing import read_checkpoints
from zoo.results.reported import COLUMNS

README = Path(__file__).resolve().parents[2] / "README.md"
COLUMNS_OF = {
    "LSP PCK@0.2": ("lsp-test-2d", "pck"),
    "LSP PCKh@0.5": ("lsp-test-2d", "pckh"),
    "LSP within a tenth of the box": ("lsp-test-2d", "within_box"),
    "LSP-Extended PCK@0.2": ("lsp-extended-2d", "pck"),
}
"""Title of a column -> protocol and metric."""
_TABLE = re.compile(r"^\| weights \|.*\n\|[-|]+\n((?:\|.*\n)+)", re.M)
_OF_METHODS = re.compile(r"^(\| \|(?: `\w+` on `[\w-]+` \|)+)\n\|[-|]+\n((?:\|.*\n)+)", re.M)
"""Table with a row per method: a column has several metrics of its weights `METHOD.suffix` in one protocol."""
_SUFFIX_AND_PROTOCOL = re.compile(r"`(\w+)` on `([\w-]+)`")
_SEVERAL = ("mpjpe", "pa_mpjpe", "pve")
_NAME = re.compile(r"^\| `(\w+\.\w+)` ")


def refreshed(text: str) -> str:
    """Markdown whose tables of weights hold the stored numbers, best first by the first column; others stay last.

    Tables of methods keep their order.
    """
    return _OF_METHODS.sub(_table_of_methods, _TABLE.sub(lambda table: _table(table.group()), text))


def _table_of_methods(table: re.Match[str]) -> str:
    head, line, *rows = table.group().splitlines()
    columns, weights, made = _SUFFIX_AND_PROTOCOL.findall(head), read_checkpoints(), [head, line]
    for row in rows:
        method = _cells(row)[0]
        if method in METHODS:
            results = [weights[f"{method}.{suffix}"].results.get(protocol, {}) for suffix, protocol in columns]
            cells = [" / ".join(f"{found[name]:.1f}" for name in _SEVERAL if name in found) for found in results]
            row = f"| {method} | {' | '.join(cells)} |"
        made.append(row)
    return "\n".join(made) + "\n"


def _table(table: str) -> str:
    head, line, *rows = table.splitlines()
    titles = _cells(head)
    ours = [_row(titles, row) for row in rows if _NAME.match(row)]
    protocol, metric = COLUMNS_OF[titles[1]]
    higher = PROTOCOLS[protocol].info[metric].higher_is_better
    ours.sort(key=lambda row: float(_cells(row)[1]) * (-1 if higher else 1))
    return "\n".join([head, line, *ours, *(row for row in rows if not _NAME.match(row))]) + "\n"


def _row(titles: list[str], row: str) -> str:
    cells = _cells(row)
    results = read_checkpoints()[cells[0].strip("`")].results
    for place, title in enumerate(titles):
        if title in COLUMNS_OF:
            protocol, metric = COLUMNS_OF[title]
            value = results.get(protocol, {}).get(metric)
            cells[place] = "" if value is None else f"{value:.{COLUMNS[metric].decimals}f}"
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def start_page(text: str) -> str:
    """The start page with what is counted: `<!-- numbers -->` becomes a table."""
    weights = read_checkpoints().values()
    best = max(entry.results.get("lsp-test-2d", {}).get("pck", 0.0) for entry in weights)
    papers = sum(name != "rootnet" for name in METHODS)
    benchmarks = len({protocol.benchmark for protocol in PROTOCOLS.values()})
    cells = {
        f"{papers} papers": "networks equal to the authors' on the same weights",
        f"{best:.1f} %": "PCK@0.2 of bundled weights on Leeds Sports Pose; depth and shape are learnt from renderings",
        f"{len(PROTOCOLS)} protocols": f"of {benchmarks} benchmarks, each an object with a name",
        "0 downloads": "to predict, to test, to train on the open benchmark",
    }
    items = "\n".join(f"- **{title}**\n\n    {line}\n" for title, line in cells.items())
    return text.replace("<!-- numbers -->", f'<div class="grid cards" markdown>\n\n{items}\n</div>')


if __name__ == "__main__":
    with atomic_file(README) as partial:
        partial.write_text(refreshed(README.read_text("utf-8")), encoding="utf-8")
