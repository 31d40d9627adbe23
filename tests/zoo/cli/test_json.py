"""`--json` of every command: the document is one, and alone on standard output."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from skimage import data

from zoo.cli import main
from zoo.cli.dispatch import COMMANDS
from zoo.cli.json_output import WITHOUT
from zoo.deployment.export import Exported
from zoo.documents.resources import resource_path

CALLS = {
    "demo": (["demo"], "files"),
    "predict": (["predict", "photo.png", "--whole", "--formats", "json"], "files"),
    "list": (["list"], "i2l_meshnet.small"),
    "info": (["info", "i2l_meshnet"], "licences"),
    "fetch": (["fetch", "i2l_meshnet"], "path"),
    "convert": (["convert", "i2l_meshnet", "a.pth.tar"], "name"),
    "package": (["package", "last.ckpt", "i2l_meshnet.mine", "--unlisted", "--folder", "."], "sha256"),
    "export": (["export", "i2l_meshnet"], "difference"),
    "push": (["push", "i2l_meshnet", "--repo", "user/name", "--dry-run"], "card"),
    "data": (["data", "check"], "3dpw"),
    "body": (["body", "convert", "SMPL_NEUTRAL.pkl"], "path"),
    "protocols": (["protocols"], "h36m-p1-17j"),
    "baseline": (["baseline"], "mpjpe"),
    "leaderboard": (["leaderboard", "open-v1"], None),
    "reproduce": (["reproduce", "hemlets", "--table", "4", "--open"], None),
    "new": (["new", "method", "lab_net"], "files"),
    "doctor": (["doctor"], "checks"),
}
"""Command -> its words, and a key of the document."""


REPLACED = {
    "zoo.results.baseline.open_mean_pose": None,
    "zoo.results.baseline.measure_baseline": {"mpjpe": 300.0},
    "zoo.results.open_benchmark.open_benchmark": None,
    "metrics.overall": {"mpjpe": float("nan")},
    "zoo.results.open_benchmark.benchmark_of": None,
    "zoo.results.open_benchmark.measure": SimpleNamespace(protocol="open-v1", samples=2, values={"mpjpe": 1.5}),
    "zoo.results.evaluation.result_table": "a table",
    "zoo.prediction.demo.predict_samples": None,
    "zoo.prediction.demo.write_demo_images": [Path("sheet.png")],
    "zoo.checkpoints.convert.convert": Path("i2l_meshnet.x.safetensors"),
    "body.smpl_files.convert_smpl_file": Path("SMPL_NEUTRAL.npz"),
    "zoo.deployment.export.export_model": Exported(Path("photo.png"), 0.01),
}
"""What takes long or needs licensed files, and what it gives here, after it has printed a line."""


def speaking(answer):
    return lambda *_, **__: print("something else") or answer


@pytest.fixture
def here(tmp_path, monkeypatch, listed, small_checkpoint):
    """A folder with an image and a checkpoint."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(data.astronaut()[:120, 150:310]).save("photo.png")
    Path("last.ckpt").symlink_to(small_checkpoint)
    for name, answer in REPLACED.items():
        monkeypatch.setattr(name, speaking(answer))


def test_every_command_has_it_but_a_page_and_a_script():
    assert set(CALLS) == set(COMMANDS) - set(WITHOUT)


@pytest.mark.parametrize("command", sorted(CALLS))
def test_the_document_is_alone_on_stdout(here, capsys, command):
    words, key = CALLS[command]
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document
    assert isinstance(document, list) if key is None else key in document


def test_numbers_that_are_not_finite_are_null(here, capsys):
    assert main(["baseline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"mpjpe": None}


def test_what_cannot_be_had_says_so_in_the_document(here, capsys, monkeypatch):
    monkeypatch.setattr("zoo.checkpoints.listing.resource_path", resource_path)
    assert main(["fetch", "danet.h36m_itw", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["path"] is None
    assert document["source"]["page"].startswith("https://")


def test_an_error_leaves_stdout_empty(here, capsys):
    assert main(["info", "nobody", "--json"]) == 2
    assert capsys.readouterr().out == ""
