"""Reported and measured numbers are sorted, complete, and never in one column."""

import csv
import dataclasses
import io
import json
import re

import pytest
from rich.console import Console
from test_results import VALUES, result

from zoo.checkpoints.listing import read_checkpoints
from zoo.cli import main
from zoo.results.files import write_result
from zoo.results.leaderboard import leaderboard, sections
from zoo.results.leaderboard.check import compare
from zoo.results.leaderboard.data import as_csv, as_json
from zoo.results.leaderboard.markdown import as_markdown
from zoo.results.leaderboard.rows import metric_columns, ranking_key
from zoo.results.leaderboard.terminal import as_table

LIXEL = "h36m-p2-14j-lixel"

AUTHORS = {name: entry.reported for name, entry in read_checkpoints().items()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two sets of weights on the open benchmark, one of them measured twice, and one on a paper's protocol."""
    monkeypatch.setattr("zoo.results.files.MEASURED", tmp_path / "package")
    write_result(dataclasses.replace(result(), date="2026-01-01T00:00:00+00:00"), tmp_path)
    write_result(dataclasses.replace(result({**VALUES, "mpjpe": 70.0}), date="2026-02-01T00:00:00+00:00"), tmp_path)
    write_result(result({**VALUES, "mpjpe": 300.0}, method="mean pose", weights="mean pose"), tmp_path)
    values = {"mpjpe": 58.25, "pa_mpjpe": 41.0}
    groups = {"action": {"Walking": {**values, "n": 6.0}}}
    changes = {"protocol": LIXEL, "values": values, "averages": {"samples": values}, "groups": groups}
    changes["weights"] = "i2l_meshnet.h36m_coco"
    write_result(dataclasses.replace(result(), **changes), tmp_path)
    return tmp_path


def printed(rows, width=80, **options):
    console = Console(file=io.StringIO(), width=width)
    console.print(as_table(sections(rows), width=width, **options))
    return console.file.getvalue()


def comparable(rows):
    return [row for row in rows if not row.table]


def test_the_newest_measurement_of_each_weights_counts(folder):
    rows = comparable(leaderboard("open-v1", folder))
    assert [(row.method, row.values["mpjpe"], row.date) for row in rows][:1] == [("i2l_meshnet", 70.0, "2026-02-01")]
    assert [(row.method, row.zoo_method) for row in rows] == [("i2l_meshnet", "i2l_meshnet"), ("mean pose", "")]
    assert all(row.kind == "measured" and row.samples == 6 for row in rows)


def test_sorted_within_protocol_and_kind_the_better_the_higher(folder):
    for section in sections(comparable(leaderboard(folder=folder))):
        assert [row.kind for row in section.rows] == sorted(row.kind for row in section.rows)
        for kind in ("measured", "reported"):
            ranks = [ranking_key(row) for row in section.rows if row.kind == kind]
            assert ranks == sorted(ranks)
    best = {s.title: s.rows[0] for s in sections(comparable(leaderboard(folder=folder / "none")))}
    assert best["mupots-relative-all"].values == {"pck3d": 83.3}, "higher is better"
    assert best["h36m-p1-17j"].values == {"mpjpe": 39.9}, "lower is better"


def test_what_papers_quote_alike_is_one_row():
    rows = [row for row in leaderboard("h36m-p1-17j") if row.method == "Fang et al. 2018"]
    assert [row.source for row in rows] == ["Cascaded Dimension-Lifting, table 1; HEMlets PoSh, table 1"]
    rows = [row for row in leaderboard("h36m-p1-17j") if row.method == "Martinez et al. 2017"]
    assert [row.values["mpjpe"] for row in rows] == [62.9, 67.5], "contradictions stay apart"
    (danet,) = [row for row in leaderboard("h36m-p2-14j-mesh") if row.label == "DaNet"]
    assert danet.groups["action"]["Walking"] == {"pa_mpjpe": 34.6}, "table 2 adds its cells to the row of table 1"
    assert danet.values["pve"] == 66.5


def test_groups_that_are_protocols_have_their_own_rows():
    rows = {row.label: row.values for row in leaderboard("up3d-lsp-639")}
    assert rows["DaNet"] == {"pve": 88.5}
    assert rows["BodyNet"] == {"pve": 102.5}
    assert "BodyNet" not in {row.label for row in leaderboard("up3d-test")}


def test_own_methods_are_linked_wherever_they_are_quoted():
    assert {row.zoo_method for row in leaderboard("up3d-test") if row.method == "NBF"} == {"nbf"}
    assert all(row.zoo_method for row in leaderboard() if row.ablation and "HMR" not in row.label and not row.table)
    assert "[HEMlets PoSh](lightning_modules/hemlets/README.md)" in as_markdown(sections(leaderboard("h36m-p1-17j")))
    assert "HEMlets PoSh [hemlets]" in printed(leaderboard("h36m-p1-17j"))


def test_reported_and_measured_never_share_a_column(folder):
    rows = leaderboard(LIXEL, folder)
    assert {row.kind for row in rows} == {"measured", "reported"}
    lines = list(csv.DictReader(io.StringIO(as_csv(rows))))
    for row, line in zip(rows, lines, strict=True):
        filled = {name for name, cell in line.items() if cell and name.endswith(("_measured", "_reported"))}
        assert {name.rsplit("_", 1)[1] for name in filled} == {row.kind}
        assert len(filled) == len(row.values)
        assert float(line[f"mpjpe_mm_{row.kind}"]) == row.values["mpjpe"]
        assert bool(line["n"]) == (row.kind == "measured")
    for section in sections(comparable(rows)):
        columns = [(column.metric, column.kind) for column in section.columns]
        assert columns == [(m, k) for m in ("mpjpe", "pa_mpjpe") for k in ("measured", "reported")]
        for row in section.rows:
            assert all((column.cell(row) == "") for column in section.columns if column.kind != row.kind)


def test_markdown_has_the_same_cells(folder):
    lines = [line for line in as_markdown(sections(comparable(leaderboard(LIXEL, folder)))).splitlines() if "|" in line]
    header, body = lines[0], lines[2:]
    assert header.startswith("| method | weights | root depth | MPJPE mm (measured) | MPJPE mm (reported) | PA-MPJPE")
    cells = [cell.strip() for cell in body[0].strip("|").split("|")]
    assert cells[1] == "i2l_meshnet.h36m_coco"
    assert cells[3:8] == ["58.2", "", "41.0", "", "6"]
    ours = next(line for line in body if "I2L-MeshNet" in line and "table 5" in line)
    assert [cell.strip() for cell in ours.strip("|").split("|")][3:7] == ["", "55.7", "", "41.1"]


@pytest.mark.parametrize("protocol", [None, "unstated", LIXEL, "freihand-eval", "coco-val-keypoints", "open-v1"])
def test_the_terminal_table_fits_80_columns(folder, protocol):
    text = printed(leaderboard(protocol, folder), full=True, actions=True)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text, "nothing is cut off"


def test_the_terminal_table_names_the_protocol_and_the_facts(folder):
    text = printed(leaderboard("open-v1", folder), full=True)
    for fact in (
        "open-v1",
        "MPJPE",
        "70.0",
        "i2l_meshnet.open_tiny",
        "6 samples",
        "2026-02-01",
        "01234567",
        "depth=box",
        "600 images",
    ):
        assert fact in text
    assert "reported" not in text
    text = printed(leaderboard(LIXEL, folder), width=120)
    for fact in ("58.2", "55.7", "measured", "reported", "table 5"):
        assert fact in text


def test_actions_in_every_format(folder):
    rows = leaderboard("open-v1", folder)
    for text in (printed(rows, actions=True), as_markdown(sections(rows), actions=True), as_csv(rows, actions=True)):
        assert "walking" in text
        assert "111.5" in text
    rows = leaderboard("h36m-p2-17j-64", folder)
    assert "SittingDown" in printed(rows, actions=True)
    assert "SittingDown" not in printed(rows)
    lines = [line for line in csv.DictReader(io.StringIO(as_csv(rows, actions=True))) if line["group"] == "SittingDown"]
    assert [float(line["mpjpe_mm_reported"]) for line in lines] == [61.6, 69.9]


def test_json_keeps_kinds_apart(folder):
    entries = json.loads(as_json(leaderboard(folder=folder)))
    assert all(("measured" in entry) != ("reported" in entry) for entry in entries)
    assert all(entry["samples"] for entry in entries if "measured" in entry)


def test_unknown_protocols(folder, capsys):
    assert main(["leaderboard", "h36m"]) == 2
    assert "no protocol 'h36m'; did you mean h36m-p1-17j" in capsys.readouterr().err
    assert "do not compare" in printed(leaderboard("unstated", folder))
    assert metric_columns("surreal-bodynet-507")[:2] == ("pve", "mpjpe"), "the protocol's own metrics come first"


def test_every_format_from_the_command_line(folder, capsys):
    for form in ("table", "markdown", "csv", "json", "html"):
        assert main(["leaderboard", "open-v1", "--format", form, "--results", str(folder), "--actions"]) == 0
        assert "70.0" in capsys.readouterr().out
    assert main(["leaderboard", "densepose-points"]) == 0
    assert "no results yet" in capsys.readouterr().out
    main(["leaderboard", LIXEL])
    assert "12 GB" not in (text := capsys.readouterr().out)
    assert "--ablations" in text
    main(["leaderboard", LIXEL, "--ablations"])
    assert "12 GB" in capsys.readouterr().out


def test_check_compares_with_the_authors_of_the_weights(folder, capsys):
    found = {(one.weights, one.metric): one for one in compare(leaderboard(folder=folder), AUTHORS)}
    assert set(found) == {("i2l_meshnet.h36m_coco", "mpjpe"), ("i2l_meshnet.h36m_coco", "pa_mpjpe")}
    one = found["i2l_meshnet.h36m_coco", "mpjpe"]
    assert (one.reported, one.measured, one.reproduced) == (55.83, 58.25, False)
    assert one.difference == pytest.approx(2.42 / 55.83)
    assert found["i2l_meshnet.h36m_coco", "pa_mpjpe"].reproduced
    assert main(["leaderboard", "--check", "--results", str(folder)]) == 1
    text = capsys.readouterr().out
    assert re.search(r"58\.25 +55\.83 +\+4\.3% +no\b", text)
    assert re.search(r"41\.00 +41\.10 +-0\.2% +yes\b", text)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert main(["leaderboard", "--check", "--results", str(folder), "--tolerance", "0.05"]) == 0
    assert re.search(r"\+4\.3% +yes\b", capsys.readouterr().out)
    assert main(["leaderboard", "open-v1", "--check", "--results", str(folder)]) == 0
    assert "no measured result" in capsys.readouterr().out
    assert main(["leaderboard", "--check", "--tolerance", "-1"]) == 2


def test_check_compares_other_weights_with_the_paper(folder):
    rows = leaderboard(LIXEL, folder)
    mine = [dataclasses.replace(row, weights="last.ckpt") for row in rows if row.kind == "measured"]
    found = compare([*mine, *(row for row in rows if row.kind == "reported")], AUTHORS, 0.05)
    assert [(one.metric, one.reported, one.reproduced) for one in found] == [
        ("mpjpe", 55.7, True),
        ("pa_mpjpe", 41.1, True),
    ]
    assert {one.source for one in found} == {"I2L-MeshNet, table 5"}, "not that of other training data, nor ablations"
