"""Ablations at small size on the open benchmark: one JSON file per table of a paper, in `open_ablations/`."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from body.atomic import atomic_file
from zoo.documents.schema import expect_mapping, parse_dataclass

SHIPPED = Path(__file__).parent / "open_ablations"


@dataclass(frozen=True)
class SmallRun:
    """One training of one row.

    Attributes:
        row: label of the row.
        seed: of the training.
        values: metric -> value on the test split of `open-v1`.
        samples: that were tested.
        root_depth: as in `Result`.
        weights_sha256: of the checkpoint.
        commands: that were run, in their order.
        date: of the test.
        device: that it ran on.
    """

    row: str
    seed: int
    values: dict[str, float]
    samples: int
    root_depth: str
    weights_sha256: str
    commands: tuple[str, ...]
    date: str
    device: str


@dataclass(frozen=True)
class SmallTable:
    """All runs of one table.

    Attributes:
        method: of the paper.
        table: its number.
        title: see `ReportedTable`.
        runs: see `SmallRun`.
        note: remark by who looked at them.
    """

    method: str
    table: str
    title: str
    runs: tuple[SmallRun, ...]
    note: str = ""


def write_small_table(table: SmallTable, folder: Path) -> Path:
    """Write `METHOD_table-N.json`, or with the start of its title where a number has several parts."""
    words = "-".join(word for word in "".join(c if c.isalnum() else " " for c in table.title.lower()).split()[:6])
    path = folder / f"{table.method}_table-{table.table}_{words}.json"
    with atomic_file(path) as partial:
        partial.write_text(json.dumps(dataclasses.asdict(table), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def read_small_tables(folder: Path = SHIPPED) -> list[SmallTable]:
    """Those that ship with the package, in the order of file names."""
    return [
        parse_dataclass(SmallTable, expect_mapping(json.loads(path.read_text("utf-8")), path.name), path.name)
        for path in sorted(folder.glob("*_table-*.json"))
    ]
