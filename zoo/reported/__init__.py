"""The papers' result tables as data: one YAML file per paper, read into typed tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics import METRIC_UNITS, PROTOCOLS
from zoo.errors import ZooError

UNSTATED = "unstated"


@dataclass(frozen=True)
class ReportedRow:
    """One row of a paper's table.

    Attributes:
        method: as the paper names it.
        own: whether it is the paper's own method.
        values: metric -> printed value.
    """

    method: str
    own: bool
    values: dict[str, float]


@dataclass(frozen=True)
class ReportedTable:
    """One table of a paper, or the part of it that follows one protocol.

    Attributes:
        paper_method: the method in the zoo whose paper this is.
        paper: title.
        venue: where it appeared.
        table: its number.
        title: what it shows.
        protocol: id of the protocol, or `unstated`.
        reason: why the protocol is unstated; empty otherwise.
        note: what else one must know.
        rows: see `ReportedRow`.
    """

    paper_method: str
    paper: str
    venue: str
    table: str
    title: str
    protocol: str
    reason: str
    note: str
    rows: tuple[ReportedRow, ...]


def read_reported(folder: Path | None = None) -> list[ReportedTable]:
    """Every table of every paper, in the order of the files.

    Args:
        folder: where the YAML files are; this package's folder when omitted.

    Raises:
        ZooError: a file breaks the form; the message names the file and the table.
    """
    paths = sorted((folder or Path(__file__).parent).glob("*.yaml"))
    return [table for path in paths for table in _read_paper(path)]


def _read_paper(path: Path) -> list[ReportedTable]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ZooError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from error
    head = {name: _text(document, name, path.name) for name in ("method", "paper", "authors", "venue")}
    tables = document.get("tables")
    if not isinstance(tables, list) or not tables:
        raise ZooError(f"{path.name}: tables must be a list of tables")
    return [_table(raw, head, f"{path.name}, table {raw.get('table', '?')}") for raw in tables]


def _table(raw: dict[str, Any], head: dict[str, str], where: str) -> ReportedTable:
    protocol = _text(raw, "protocol", where)
    if protocol != UNSTATED and protocol not in PROTOCOLS:
        raise ZooError(f"{where}: no protocol {protocol!r}; there are {UNSTATED}, {', '.join(PROTOCOLS)}")
    reason = _text(raw, "reason", where) if protocol == UNSTATED else ""
    rows = tuple(_row(row, protocol, where) for row in raw.get("rows") or [])
    if not rows:
        raise ZooError(f"{where}: there are no rows")
    return ReportedTable(
        paper_method=head["method"],
        paper=head["paper"],
        venue=head["venue"],
        table=_text(raw, "table", where),
        title=_text(raw, "title", where),
        protocol=protocol,
        reason=reason,
        note=str(raw.get("note") or ""),
        rows=rows,
    )


def _row(raw: dict[str, Any], protocol: str, where: str) -> ReportedRow:
    method, values = _text(raw, "method", where), raw.get("values")
    known = METRIC_UNITS if protocol == UNSTATED else PROTOCOLS[protocol].metrics
    if not isinstance(values, dict) or not values or set(values) - set(known):
        raise ZooError(f"{where}, {method}: values must be of {', '.join(known)}")
    if not all(isinstance(value, float) and math.isfinite(value) for value in values.values()):
        raise ZooError(f"{where}, {method}: values must be numbers with a decimal point, as printed")
    if not isinstance(raw.get("own"), bool):
        raise ZooError(f"{where}, {method}: own must be true or false")
    return ReportedRow(method, raw["own"], dict(values))


def _text(raw: Any, name: str, where: str) -> str:
    value = raw.get(name) if isinstance(raw, dict) else None
    if not isinstance(value, str) or not value:
        raise ZooError(f"{where}: {name} must be text")
    return value
