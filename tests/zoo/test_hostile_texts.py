"""Names and configurations that somebody else wrote: in terminals, tables, pages, and before memory is taken."""

import csv
import dataclasses
import io
import json
import resource
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import zoo
from zoo.errors import ZooError
from zoo.prediction.images import read_image
from zoo.results.files import MEASURED, read_result, read_results

NAMES = ["[/]", "[bold]x", "<script>alert(1)</script>", "a|b", "=cmd()", "-1+1", "@x", "a\nb"]


@pytest.fixture
def result():
    return read_result(next(MEASURED.glob("open-v1__hemlets*.json")))


@pytest.mark.parametrize("name", NAMES)
def test_names_in_tables(result, name, tmp_path, monkeypatch, capsys):
    from zoo.cli import main

    hostile = dataclasses.replace(result, weights=name)
    (tmp_path / "open-v1__x.json").write_text(json.dumps(dataclasses.asdict(hostile)))
    monkeypatch.setenv("ZOO_RESULTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    for form in ("table", "markdown", "csv"):
        assert main(["leaderboard", "open-v1", "--format", form]) == 0
        text = capsys.readouterr().out
        if form == "markdown":
            assert "<script" not in text
            assert len({line.replace("\\|", "").count("|") for line in text.splitlines() if line[:1] == "|"}) == 1
        if form == "csv":
            cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
            assert not [c for c in cells if c[:1] in "=+-@\t\r" and c and not c.lstrip("-").replace(".", "").isdigit()]
        if form == "table" and "\n" not in name:
            assert name in text


def test_control_characters_and_broken_files_are_left_out(result, tmp_path):
    for number, text in enumerate(["{", "[" * 100000, '{"weights": 1}']):
        (tmp_path / f"open-v1__{number}.json").write_text(text)
    escape = dataclasses.asdict(dataclasses.replace(result, weights="a\x1b[2Jb"))
    (tmp_path / "open-v1__9.json").write_text(json.dumps(escape))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_results(tmp_path)
    assert len(found) == len(list(MEASURED.glob("*__*.json")))
    assert sum("left out" in str(one.message) for one in caught) == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('{"network": {"crop_size": 100000}}', "crop_size 100000"),
        ('{"network": {"head_channels": 100000000}}', "asks for more than"),
        ('{"network": {"depth_range": NaN}}', "not a mapping in JSON"),
        ("[" * 100000, "not a mapping in JSON"),
    ],
)
def test_hostile_configurations_take_no_memory(tmp_path, settings, message):
    save_file({"a": torch.zeros(3)}, tmp_path / "a.safetensors", {"method": "hemlets", "config": settings})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ZooError, match=message):
        zoo.load(tmp_path / "a.safetensors")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_eps_is_no_photograph(tmp_path):
    """Pillow would hand it to Ghostscript."""
    Image.new("RGB", (64, 64)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.jpg")
    with pytest.raises(ZooError, match="is not an image in a format"):
        read_image(tmp_path / "a.jpg")


def test_a_large_greyscale_image_takes_little_memory(tmp_path):
    Image.fromarray(np.zeros((6000, 8000), np.uint16)).save(tmp_path / "a.png")
    before, largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, Image.MAX_IMAGE_PIXELS
    assert read_image(tmp_path / "a.png").shape == (6000, 8000, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 900_000  # kB; an array of doubles has 1.2 GB
    assert largest == Image.MAX_IMAGE_PIXELS
