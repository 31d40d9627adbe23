"""Numbers that papers print with different values: detected in the tables, explained in `differences.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.documents.schema import expect_mapping, parse_dataclass
from zoo.results.reported.reading import DIFFERENCES, FOLDER, load_yaml
from zoo.results.reported.tables import ReportedPaper

Printed = float | tuple[float | None, ...]


@dataclass(frozen=True)
class Difference:
    """A number that is printed with two values.

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
        reason: why the papers differ, if known.
    """

    reason: str = ""


def read_differences(path: Path = FOLDER / DIFFERENCES) -> dict[Difference, str]:
    """Reasons for differences between papers.

    Raises:
        ZooError: an entry breaks the form.
    """
    entries = (parse_dataclass(Explained, expect_mapping(entry, path.name), path.name) for entry in load_yaml(path))
    return {Difference(e.method, e.benchmark, e.metric, e.settings, e.field): e.reason for e in entries}


def find_differences(papers: Sequence[ReportedPaper]) -> dict[Difference, dict[str, Printed]]:
    """Every number of one method on one data set that is printed with more than one value, by table.

    Protocols are ignored: a number that depends on the table must be explained, even if by a protocol. Cells are
    compared by group where both tables have them.
    """
    values: dict[Difference, dict[str, Printed]] = {}
    for number, source, printed in _numbers(papers):
        values.setdefault(number, {})[source] = printed
    return {number: by_source for number, by_source in values.items() if len(set(by_source.values())) > 1}


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
