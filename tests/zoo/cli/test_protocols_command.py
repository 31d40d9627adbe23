"""`zoo protocols` says in 80 columns what every number means."""

import json
import re

import pytest

from metrics import METRIC_INFO, PROTOCOLS
from zoo.cli import main


def said(capsys, *arguments):
    assert main(["protocols", *arguments]) == 0
    return capsys.readouterr().out


def test_the_list_names_every_protocol_in_80_columns(capsys):
    text = said(capsys)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    found = [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert sorted(found) == sorted(PROTOCOLS)
    assert [line for line in lines if line == "Human3.6M"] == ["Human3.6M"], "a benchmark is named once"
    assert f"{len(PROTOCOLS)} protocols" in text


@pytest.mark.parametrize("name", PROTOCOLS)
def test_one_protocol_in_full(name, capsys):
    text = said(capsys, name)
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    assert PROTOCOLS[name].describe() in flat
    assert all(joint in flat for joint in PROTOCOLS[name].joints)


def test_json_holds_every_field(capsys):
    documents = json.loads(said(capsys, "--json"))
    assert list(documents) == list(PROTOCOLS)
    for name, document in documents.items():
        protocol = PROTOCOLS[name]
        assert document["joints"] == list(protocol.joints)
        assert document["averaging"] == protocol.averaging
        assert document["description"] == protocol.describe()
        for metric in protocol.metrics:
            assert document["metrics"][metric]["unit"] == METRIC_INFO[metric].unit
            assert document["metrics"][metric]["higher_is_better"] is METRIC_INFO[metric].higher_is_better
    assert list(json.loads(said(capsys, "freihand-eval", "--json"))) == ["freihand-eval"]


def test_an_unknown_protocol_is_one_line(capsys):
    assert main(["protocols", "h36m-p1"]) == 2
    assert re.fullmatch(r"zoo: no protocol 'h36m-p1'; did you mean .*h36m-p1-17j.*\?.*\n", capsys.readouterr().err)
