"""Numbers that papers quote differently: found in the tables, and explained in `differences.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.results.reported.reading import DIFFERENCES, FOLDER, load_yaml
from zoo.results.reported.tables import ReportedPaper
from zoo.schema import build, mapping

Printed = float | tuple[float | None, ...]


@dataclass(frozen=True)
class Difference:
    """What is printed with two values.

    Attributes:
        method: name of the method.
        benchmark: data set.
        metric: column.
        settings: of the row.
        field: breakdown field when the cells differ, not the average.
    """

    method: str
    benchmark: str
    metric: str
    settings: str = ""
    field: str = ""


@dataclass(frozen=True)
class Explained(Difference):
    """An entry of `differences.yaml`.

    Attributes:
        reason: why the papers differ, as far as it is known.
    """

    reason: str = ""


def read_differences(path: Path = FOLDER / DIFFERENCES) -> dict[Difference, str]:
    """Why papers differ, by what they differ in.

    Raises:
        ZooError: an entry breaks the form.
    """
    entries = (build(Explained, mapping(entry, path.name), path.name) for entry in load_yaml(path))
    return {Difference(e.method, e.benchmark, e.metric, e.settings, e.field): e.reason for e in entries}


def quoted_differently(papers: Sequence[ReportedPaper]) -> dict[Difference, dict[str, Printed]]:
    """Every number of one method on one data set that is printed with more than one value, by table.

    Protocols are left out of account: a number that changes with the table it stands in must be explained, be it by a
    protocol. Cells are compared by group where two tables have both.
    """
    found: dict[Difference, dict[str, Printed]] = {}
    for what, source, printed in _numbers(papers):
        found.setdefault(what, {})[source] = printed
    return {what: by_source for what, by_source in found.items() if len(set(by_source.values())) > 1}


def _numbers(papers: Iterable[ReportedPaper]) -> Iterator[tuple[Difference, str, Printed]]:
    for paper in papers:
        for table in paper.tables:
            source = f"{paper.name}, table {table.table} ({table.title})"
            for row in table.rows:
                key = (row.also or row.method, table.data)
                settings = table.settings_of(row)
                for metric, value in row.values.items():
                    yield Difference(*key, metric, settings), source, value
                if row.cells and table.breakdown:
                    by_group = sorted(zip(table.breakdown.groups, row.cells, strict=True), key=lambda pair: pair[0])
                    cells = tuple(value for _, value in by_group)
                    what = Difference(*key, table.breakdown.metric, settings, table.breakdown.field)
                    yield what, source, cells
