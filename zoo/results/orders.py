"""Where the order of a paper's rows shows at small size, and where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from zoo.results.reported import COLUMNS, ReportedTable
from zoo.results.small import SmallTable


def order_sentence(small: SmallTable, paper: ReportedTable) -> str:
    """How many of the paper's orders of two rows the trainings repeat, and which they do not; empty without a pair.

    An order shows where it is the same between trainings of one seed, for all seeds. The distance between the trainings
    of one row says how far rows must lie apart to mean anything.

    Args:
        small: trainings at small size.
        paper: the table as printed.
    """
    metric = next((name for name in paper.units if all(name in run.values for run in small.runs)), None)
    if metric is None:
        return ""
    better = 1 if COLUMNS[metric].higher_is_better else -1
    measured: dict[str, dict[int, float]] = {}
    for run in small.runs:
        measured.setdefault(run.row, {})[run.seed] = better * run.values[metric]
    shown: dict[str, list[str]] = {"all": [], "some": [], "none": []}
    for first, second in _orders(_printed(paper, metric, better), measured):
        seeds = sorted(measured[first].keys() & measured[second].keys())
        repeated = sum(measured[first][seed] > measured[second][seed] for seed in seeds)
        how = "all" if repeated == len(seeds) else "some" if repeated else "none"
        shown[how].append(f"'{_short(first, small)}' ahead of '{_short(second, small)}'")
    pairs = sum(map(len, shown.values()))
    if not pairs:
        return ""
    info = COLUMNS[metric]
    apart = max(max(values.values()) - min(values.values()) for values in measured.values())
    orders = f"{pairs} order{'s' if pairs > 1 else ''} of two rows by {info.title}"
    parts = [f"of the paper's {orders} {len(shown['all'])} show with every seed"]
    parts += [f"{len(shown[how])} with {how} ({'; '.join(shown[how])})" for how in ("some", "none") if shown[how]]
    return f"{', '.join(parts)}; trainings of one row lie up to {info.format(apart)} apart"


def _printed(paper: ReportedTable, metric: str, better: int) -> dict[str, float]:
    """Row -> printed value, larger is better."""
    rows = [row for row in paper.rows if row.own and metric in row.values]
    return {", ".join(text for text in (row.method, row.settings) if text): better * row.values[metric] for row in rows}


def _orders(printed: Mapping[str, float], measured: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(better, worse) of all rows that both have and that the paper prints different numbers for."""
    for one, other in combinations([label for label in printed if label in measured], 2):
        if printed[one] != printed[other]:
            yield (one, other) if printed[one] > printed[other] else (other, one)


def _short(label: str, small: SmallTable) -> str:
    """A row without the method's name, where all rows have it."""
    names = {run.row.partition(", ")[0] for run in small.runs}
    return label.partition(", ")[2] or label if len(names) == 1 else label
