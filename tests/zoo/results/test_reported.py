"""The papers' tables: complete, consistent with themselves and with each other."""

import dataclasses
import statistics

import pytest

from metrics import PROTOCOLS
from zoo.errors import ZooError
from zoo.results.reported import COLUMNS, find_differences, read_differences, read_reported

PAPERS = {paper.method: paper for paper in read_reported()}
TABLES = [(paper, table) for paper in PAPERS.values() for table in paper.tables]
NUMBERED = {"i2l_meshnet": 14, "hemlets": 8, "nbf": 6, "danet": 10, "cascaded_lifting": 4}


def gap(table, row):
    """How far the printed average is from the mean of the cells; None where there is nothing to compare."""
    breakdown = table.breakdown
    if not breakdown or breakdown.metric not in row.values or not row.cells or None in row.cells:
        return None
    weights = breakdown.weights or [1.0] * len(row.cells)
    mean = sum(w * cell for w, cell in zip(weights, row.cells, strict=True)) / sum(weights)
    return abs(mean - row.values[breakdown.metric])


def test_every_numbered_table_of_every_paper_is_there():
    for method, last in NUMBERED.items():
        assert {int(one.table) for one in PAPERS[method].tables if one.table.isdigit()} == set(range(1, last + 1))


def test_averages_are_the_means_of_their_cells_or_the_exception_is_recorded():
    compared = 0
    for paper, table in TABLES:
        excused = {method for exception in table.exceptions for method in exception.methods}
        gaps = {}
        for row in table.rows:
            difference = gap(table, row)
            if difference is not None:
                compared += 1
                gaps.setdefault(row.method, []).append(difference)
                # each of the cells and the average is rounded to one digit after the point
                if row.method not in excused:
                    assert difference <= 0.1 + 1e-9, (paper.method, table.table, row.method, difference)
        for method in excused:
            assert max(gaps[method]) > 0.1, f"{paper.method}, table {table.table}: {method} needs no exception"
    assert compared > 60


def test_averages_lie_between_their_cells():
    for _, table in TABLES:
        for row in table.rows:
            if gap(table, row) is not None:
                assert min(row.cells) < row.values[table.breakdown.metric] < max(row.cells), (table.title, row.method)


def test_papers_agree_or_the_difference_is_recorded():
    found, recorded = find_differences(list(PAPERS.values())), read_differences()
    assert set(found) == set(recorded)
    assert all(recorded.values())
    # in the order of HEMlets' headings the cells of these rows only seem to differ: the printed sequence is the same
    rows = [
        row.cells
        for _, table in TABLES
        for row in table.rows
        if row.method == "Yasin et al. 2016" and table.breakdown.metric == "pa_mpjpe"
    ]
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_a_changed_number_is_found():
    papers = list(PAPERS.values())
    danet = PAPERS["danet"]
    table = next(t for t in danet.tables if t.title == "3DPW")
    row = dataclasses.replace(table.rows[0], values={**table.rows[0].values, "mpjpe": 1.0}, method="HMR", also="")
    changed = dataclasses.replace(danet, tables=(*danet.tables, dataclasses.replace(table, rows=(row,))))
    what = {d for d in find_differences([*papers, changed]) if d.metric == "mpjpe" and d.benchmark == "3DPW"}
    assert {d.method for d in what} == {"HMR"}


def test_values_are_possible():
    for paper, table in TABLES:
        for row in table.rows:
            where = (paper.method, table.table, row.method)
            for name, value in row.values.items():
                assert value > 0, where
                if COLUMNS[name].unit == "%":
                    assert value <= 100, where
                if COLUMNS[name].unit == "":
                    assert value <= 1, where
            for aligned, plain in (("pa_mpjpe", "mpjpe"), ("pa_pve", "pve"), ("ap75", "ap50")):
                if {aligned, plain} <= set(row.values):
                    assert row.values[aligned] < row.values[plain], where
            if {"ap_m", "ap", "ap50"} <= set(row.values):
                assert row.values["ap"] < row.values["ap50"], where


def test_every_row_of_a_protocol_has_one_of_its_metrics():
    for _, table in TABLES:
        if table.protocol in PROTOCOLS:
            metrics = set(PROTOCOLS[table.protocol].metrics)
            broken_down = {table.breakdown.metric} if table.breakdown else set()
            for row in table.rows:
                if not (row.values or row.cells):
                    assert row.own
                    assert row.note
                    continue
                assert metrics & (set(row.values) | (broken_down if row.cells else set())), (table.title, row.method)


@pytest.mark.parametrize(
    ("method", "table", "protocol", "settings", "values"),
    [
        ("hemlets", "1", "h36m-p1-17j", "", {"mpjpe": 39.9}),
        (
            "hemlets",
            "7",
            "lsp-upi-parts",
            "",
            {"fb_accuracy": 92.3, "fb_f1": 0.88, "part_accuracy": 90.18, "part_f1": 0.71},
        ),
        ("i2l_meshnet", "6", "3dpw-test-14j-gendered", "", {"mpjpe": 93.2, "pa_mpjpe": 57.7}),
        ("i2l_meshnet", "14", "surreal-bodynet-507", "", {"pve": 44.7, "mpjpe": 37.7}),
        ("nbf", "5", "humaneva-walk-box", "", {"pa_mpjpe": 64.0, "pa_mpjpe_median": 49.4}),
        ("danet", "1", "h36m-p2-14j-mesh", "", {"pve": 66.5, "mpjpe": 54.6, "pa_mpjpe": 42.9}),
        ("danet", "4", "coco-val-keypoints", "", {"ap": 33.8, "ap50": 68.6, "ap75": 29.9, "ap_m": 36.0, "ap_l": 32.3}),
        ("cascaded_lifting", "1", "h36m-p2-17j-64", "", {"mpjpe": 48.7}),
        ("cascaded_lifting", "3", "mupots-relative-all", "", {"pck3d": 83.3}),
    ],
)
def test_the_numbers_of_the_abstracts(method, table, protocol, settings, values):
    paper = PAPERS[method]
    rows = [
        row.values
        for t in paper.tables
        if (t.table, t.protocol) == (table, protocol)
        for row in t.rows
        if row.own and row.method == paper.name and t.settings_of(row) == settings
    ]
    assert rows == [values]


def test_unstated_protocols_say_why():
    unstated = [table for _, table in TABLES if table.protocol == "unstated"]
    assert unstated
    assert all(len(table.reason) > 20 and table.benchmark for table in unstated)


def test_ablations_have_columns_that_are_no_metrics():
    columns = {name: unit for _, table in TABLES for name, unit in table.units.items()}
    assert columns["parameters"] == "M"
    assert columns["gpu_memory"] == "GB"
    assert columns["run_time"] == "ms"
    assert statistics.median(len(table.rows) for _, table in TABLES) >= 4


TEXT = """
method: m
name: M
paper: P
authors: A
venue: V
quoted: elsewhere
tolerance: 0.05
trainings:
  all: {config: i2l_meshnet/open}
  half: {config: i2l_meshnet/open, starts: {start_from: all}}
tables:
  - table: "1"
    title: T
    protocol: unstated
    benchmark: B
    reason: because
    units: {mpjpe: mm}
    breakdown: {field: action, groups: [a, b], metric: mpjpe}
    rows: [{method: X, own: true, reproduce: {training: half}, values: {mpjpe: 1.5}, cells: [1, ~]}]
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("unstated", "h36m"), "no protocol 'h36m'"),
        (("reason: because", "note: because"), "needs a reason and a benchmark"),
        (("own: true", "own: 1"), "own must be bool"),
        (("mpjpe: 1.5", "mpjpe: low"), "must be float"),
        (("mpjpe: 1.5", "mpjpe: .nan"), "finite"),
        (("mpjpe: 1.5", "magic: 1.5"), "values must be of mpjpe, not magic"),
        (("mpjpe: mm", "mpjpe: cm"), "unit of mpjpe must be 'mm'"),
        (("mpjpe: mm", "magic: mm"), "units must be of"),
        (("title: T", "label: T"), "no field 'label'"),
        (('table: "1"', "table: 1"), "table must be str"),
        (("cells: [1, ~]", "cells: [1]"), "1 cells for 2 groups"),
        (("metric: mpjpe", "metric: pve"), "breakdown metric must be of mpjpe"),
        (("metric: mpjpe", "metric: mpjpe, weights: [1]"), "one per group"),
        (("metric: mpjpe", "metric: mpjpe, protocols: {a: none}"), "no protocol 'none'"),
        (("[{method", "[] #"), "there are no rows"),
        (("venue: V", "venue: {"), "not valid YAML"),
        (("{training: half}", "{training: nope}"), "trainings must be of all, half, not nope"),
        (("{training: half}", "{note: a}"), "neither how it is reproduced nor why"),
        (("start_from: all", "start_from: al"), "half: starts must be of all, half, not al"),
        (("{training: half}", "{training: half, protocol: h36m}"), "no protocol 'h36m'"),
    ],
)
def test_broken_tables_are_named(tmp_path, change, message):
    path = tmp_path / "m.yaml"
    path.write_text(TEXT)
    assert read_reported(tmp_path)[0].tables[0].rows[0].cells == (1.0, None)
    assert change[0] in TEXT
    path.write_text(TEXT.replace(*change))
    with pytest.raises(ZooError, match=message):
        read_reported(tmp_path)
