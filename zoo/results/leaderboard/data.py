"""The leaderboard as CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.results.leaderboard.rows import Row
from zoo.results.leaderboard.sections import KINDS
from zoo.results.reported import COLUMNS


def as_csv(rows: Sequence[Row], *, actions: bool = False) -> str:
    """One line per row, with a column per metric and kind, named `METRIC_UNIT_KIND`.

    Args:
        rows: of the leaderboard.
        actions: add a line per group of each row; `field` and `group` name it.
    """
    lines = [(row, "", "", row.values) for row in rows]
    if actions:
        lines += [(row, field, group, v) for row in rows for field, by in row.groups.items() for group, v in by.items()]
    columns = [
        (metric, kind)
        for kind in KINDS
        for metric in COLUMNS
        if any(row.kind == kind and metric in values for row, _, _, values in lines)
    ]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    titles = ["_".join((metric, *_unit(metric), kind)) for metric, kind in columns]
    details = ("n", "weights", "root_depth", "date", "ablation", "source", "note")
    writer.writerow(["protocol", "method", "zoo_method", "settings", "field", "group", *titles, *details])
    for row, field, group, values in lines:
        numbers = [values.get(metric, "") if row.kind == kind else "" for metric, kind in columns]
        names = [row.protocol, row.method, row.zoo_method, row.settings, field, group]
        detail = [row.weights, row.root_depth, row.date, "yes" if row.ablation else "no", row.source, row.note]
        texts, end = map(_no_formula, names), map(_no_formula, detail)
        writer.writerow([*texts, *numbers, _samples(row, values if group else {}), *end])
    return file.getvalue()


def _no_formula(text: str) -> str:
    """A text that a spreadsheet does not compute."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _unit(metric: str) -> list[str]:
    unit = COLUMNS[metric].unit.replace("%", "percent")
    return [unit] if unit else []


def _samples(row: Row, values: Mapping[str, float]) -> str:
    """Samples of the group, or of all."""
    samples = values.get("n", row.samples)
    return "" if samples is None else f"{samples:.0f}"


def as_json(rows: Sequence[Row]) -> str:
    """A list of objects; the values are under `measured` or `reported`, breakdowns under `groups`."""
    objects = []
    for row in rows:
        entry: dict[str, Any] = dataclasses.asdict(row)
        entry[entry.pop("kind")] = entry.pop("values")
        objects.append(entry)
    return json.dumps(objects, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
