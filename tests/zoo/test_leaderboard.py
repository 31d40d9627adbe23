"""Reported and measured numbers are sorted, complete, and never in one column."""

import csv
import dataclasses
import io
import json

import pytest
from rich.console import Console
from test_results import VALUES, result

from metrics import METRIC_UNITS, PROTOCOLS
from zoo.errors import ZooError
from zoo.leaderboard import by_protocol, leaderboard, metrics_of
from zoo.leaderboard_formats import FORMATS, as_csv, as_json, as_markdown, as_table, columns_of, group_table
from zoo.reported import read_reported
from zoo.results import write_result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two sets of weights on the open benchmark, one of them measured twice, and one on a paper's protocol."""
    monkeypatch.setattr("zoo.results.PACKAGE", tmp_path / "package")
    write_result(dataclasses.replace(result(), date="2026-01-01T00:00:00+00:00"), tmp_path)
    write_result(dataclasses.replace(result({**VALUES, "mpjpe": 70.0}), date="2026-02-01T00:00:00+00:00"), tmp_path)
    write_result(result({**VALUES, "mpjpe": 300.0}, method="mean pose", weights="mean pose"), tmp_path)
    values = {"mpjpe": 58.25, "pa_mpjpe": 42.0}
    complete = dataclasses.asdict(result())
    groups = {"action": {"Walking": {**values, "n": 6.0}}}
    write_result(
        type(result())(**{**complete, "protocol": "h36m-p2-14j-lixel", "values": values, "groups": groups}), tmp_path
    )
    return tmp_path


def printed(rows):
    console = Console(file=io.StringIO(), width=200)
    console.print(as_table(rows))
    return console.file.getvalue()


def test_the_newest_measurement_of_each_weights_counts(folder):
    rows = leaderboard("open-v1", folder)
    assert [(row.method, row.values["mpjpe"], row.date) for row in rows][:1] == [("i2l_meshnet", 70.0, "2026-02-01")]
    assert [row.method for row in rows] == ["i2l_meshnet", "mean pose"]
    assert all(row.kind == "measured" and row.samples == 6 for row in rows)


def test_sorted_within_protocol_and_kind(folder):
    for protocol, rows in by_protocol(leaderboard(folder=folder)).items():
        assert [row.kind for row in rows] == sorted(row.kind for row in rows)
        for kind in ("measured", "reported") if protocol != "unstated" else ():
            values = [row.values.get(metrics_of(protocol)[0], float("inf")) for row in rows if row.kind == kind]
            assert values == sorted(values)


def test_reported_and_measured_never_share_a_column(folder):
    rows = leaderboard("h36m-p2-14j-lixel", folder)
    assert {row.kind for row in rows} == {"measured", "reported"}
    lines = list(csv.DictReader(io.StringIO(as_csv(rows))))
    for row, line in zip(rows, lines, strict=True):
        filled = {name for name, cell in line.items() if cell and name.startswith(("mpjpe", "pa_mpjpe"))}
        assert filled == {f"{metric}_mm_{row.kind}" for metric in row.values}
        assert float(line[f"mpjpe_mm_{row.kind}"]) == row.values["mpjpe"]
        assert bool(line["n"]) == (row.kind == "measured")
    columns = columns_of("h36m-p2-14j-lixel", rows)
    assert columns == [(m, k) for k in ("measured", "reported") for m in ("mpjpe", "pa_mpjpe")]


def test_markdown_has_the_same_cells(folder):
    rows = leaderboard("h36m-p2-14j-lixel", folder)
    lines = [line for line in as_markdown(rows).splitlines() if line.startswith("|")]
    header, body = lines[0], lines[2:]
    assert header.startswith("| method | MPJPE mm (measured) | PA-MPJPE mm (measured) | MPJPE mm (reported) |")
    assert len(body) == len(rows)
    cells = [cell.strip() for cell in body[0].strip("|").split("|")]
    assert cells[:6] == ["i2l_meshnet", "58.2", "42.0", "", "", "6"]
    ours = next(line for line in body if "I2L-MeshNet" in line and "table 5" in line)
    assert [cell.strip() for cell in ours.strip("|").split("|")][1:5] == ["", "", "55.7", "41.1"]


def test_terminal_table_names_the_protocol_and_the_facts(folder):
    text = printed(leaderboard("open-v1", folder))
    for fact in ("open-v1", "MPJPE mm", "70.0", "i2l_meshnet.open_tiny", "2026-02-01", "600 images"):
        assert fact in text
    assert "reported" not in text


def test_json_keeps_kinds_apart(folder):
    entries = json.loads(as_json(leaderboard(folder=folder)))
    assert all(("measured" in entry) != ("reported" in entry) for entry in entries)
    assert all(entry["samples"] for entry in entries if "measured" in entry)


def test_every_format_takes_everything_and_nothing(folder):
    for form in FORMATS.values():
        assert form(leaderboard(folder=folder))
        form([])
    assert printed([]).strip() == ""


def test_actions(folder):
    row = leaderboard("open-v1", folder)[0]
    console = Console(file=io.StringIO(), width=200)
    console.print(group_table(row))
    text = console.file.getvalue()
    assert "walking" in text
    assert "111.5" in text
    with pytest.raises(ZooError, match="no results by camera"):
        group_table(row, "camera")


def test_unknown_protocols_and_unstated_ones(folder):
    with pytest.raises(ZooError, match="no protocol 'h36m'; there are open-v1"):
        leaderboard("h36m", folder)
    rows = leaderboard("unstated", folder)
    assert [row.source for row in rows] == sorted(row.source for row in rows), "one paper's table after the other"
    assert all("Human3.6M" in row.source or "3DPW" in row.source for row in rows)
    assert "do not compare" in as_markdown(rows)


def test_reported_tables_follow_the_paper():
    tables = read_reported()
    found = {(t.table, t.protocol, row.method): row.values for t in tables for row in t.rows if row.own}
    assert found["4", "h36m-p2-14j-lixel", "I2L-MeshNet"] == {"mpjpe": 55.7, "pa_mpjpe": 41.7}
    assert found["6", "3dpw-test-14j-gendered", "I2L-MeshNet"] == {"mpjpe": 93.2, "pa_mpjpe": 57.7}
    assert found["14", "surreal-bodynet-507", "I2L-MeshNet"] == {"pve": 44.7, "mpjpe": 37.7}
    for table in tables:
        assert (table.protocol == "unstated") == bool(table.reason)
        assert table.protocol in (*PROTOCOLS, "unstated")
        for row in table.rows:
            assert set(row.values) <= set(METRIC_UNITS)
            if {"mpjpe", "pa_mpjpe"} <= set(row.values):
                assert row.values["pa_mpjpe"] < row.values["mpjpe"], "alignment cannot make the error larger"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("unstated", "h36m"), "no protocol 'h36m'"),
        (("reason: because", "because: 1"), "reason must be text"),
        (("own: true", "own: 1"), "own must be true or false"),
        (("mpjpe: 1.5", "mpjpe: 1"), "decimal point"),
        (("mpjpe: 1.5", "magic: 1.5"), "values must be of"),
        (("title: T", "label: T"), "title must be text"),
        (('table: "1"', "table: 1"), "table must be text"),
        (("venue: V", "venue: {"), "not valid YAML"),
    ],
)
def test_broken_tables_are_named(tmp_path, change, message):
    text = """
method: m
paper: P
authors: A
venue: V
tables:
  - table: "1"
    title: T
    protocol: unstated
    reason: because
    rows: [{method: X, own: true, values: {mpjpe: 1.5}}]
"""
    path = tmp_path / "m.yaml"
    path.write_text(text)
    assert read_reported(tmp_path)[0].rows[0].values == {"mpjpe": 1.5}
    assert change[0] in text
    path.write_text(text.replace(*change))
    with pytest.raises(ZooError, match=message):
        read_reported(tmp_path)
