"""`zoo list`, `zoo info`, `zoo fetch`: what exists in the world, and what can be had now."""

import json

import pytest

from zoo.checkpoints.listing import read_checkpoints
from zoo.cli import main
from zoo.cli.commands.list import availability


@pytest.fixture(autouse=True)
def terminal(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


def test_the_list_has_everything_and_fits(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    for entry in read_checkpoints().values():
        (row,) = (line for line in lines if line.startswith(f"{entry.name} "))
        assert f" {availability(entry)} " in row
        assert (" * " in row) == entry.default


def test_machines_get_states_and_facts(capsys):
    assert main(["list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert list(entries) == list(read_checkpoints())
    assert entries["i2l_meshnet.open_tiny"]["state"] == "ready"
    assert entries["i2l_meshnet.freihand"]["state"] == "fetch"
    assert entries["cascaded_lifting.h36m_mpii"]["state"] == "none"
    assert entries["i2l_meshnet.freihand"]["source"]["file"] == "snapshot_24.pth.tar"


@pytest.mark.parametrize("name", list(read_checkpoints()))
def test_info_and_fetch_speak_about_every_entry(name, capsys):
    entry = read_checkpoints()[name]
    assert main(["info", name]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    joined = " ".join(text.split())
    assert f"state {availability(entry)}" in joined
    for value in (entry.licences.weights, entry.inputs, entry.outputs):
        assert " ".join(value.split()) in joined
    code = main(["fetch", name])
    told = capsys.readouterr().out
    if entry.availability == "bundled":
        assert code == 0
        assert told.strip().endswith(entry.file)
    else:
        assert code == 1
    if availability(entry) == "fetch":
        assert entry.source.page in told
        assert entry.source.file in told
        assert entry.licences.weights in told
        assert all(asset in told for asset in entry.requires)
    if entry.availability == "none":
        assert entry.source.reason in told
        assert entry.source.date in told


def test_unknown_names_are_one_line(capsys):
    for command in ("info", "fetch"):
        assert main([command, "nobody"]) == 2
        assert capsys.readouterr().err == (
            "zoo: no model 'nobody'; there are "
            f"{', '.join(sorted({entry.method for entry in read_checkpoints().values()}))} (zoo list shows all)\n"
        )
