"""The tutorials: every code cell of every notebook runs, in this process and without a kernel."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from official_files import NARROW, release

from lightning_modules.common.backbones import BACKBONES
from zoo.cli import main
from zoo.documents import resources

FOLDER = Path(__file__).parents[2] / "docs/tutorials"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
_SHELL = re.compile(r"^!zoo (.*)$", re.M)


def code_of(name):
    """The code cells as Python: a line `!zoo ...` calls the command line, with braces filled in as IPython does."""
    cells = json.loads((FOLDER / f"{name}.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [_SHELL.sub(lambda line: f"_zoo(f{line[1]!r})", text) for text in code]


def call(words):
    status = main(shlex.split(words))
    assert status == 0, f"zoo {words}: {status}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs a notebook in a folder that all of them share, once."""
    folder, done = tmp_path_factory.mktemp("tutorials"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))
        patch.setenv("PYTHONPATH", "")
        patch.setenv("ZOO_CACHE", str(folder / "cache"))
        patch.setenv("ZOO_RESULTS", str(folder / "results"))

        def run(name):
            if name not in done:
                done[name] = names = {"_zoo": call}
                for code in code_of(name):
                    exec(compile(code, name, "exec"), names)
            return done[name]

        yield run


@pytest.fixture
def released(tmp_path, runs, monkeypatch):
    """The authors' files, made by rule: a snapshot of a narrow network and SMPL."""
    release(tmp_path, monkeypatch)
    original, listing = resources.resource_path, tmp_path / "checkpoints.yaml"
    monkeypatch.setattr(
        "zoo.checkpoints.listing.resource_path", lambda n: listing if n == "checkpoints.yaml" else original(n)
    )
    monkeypatch.setitem(BACKBONES, "narrow", NARROW["narrow"])
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path / "assets"))
    Path("snapshot_7.pth.tar").symlink_to(tmp_path / "snapshot_7.pth.tar")


def test_a_notebook_has_no_outputs():
    assert len(NOTEBOOKS) == 7
    for name in NOTEBOOKS:
        for cell in json.loads((FOLDER / f"{name}.ipynb").read_text())["cells"]:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None


def test_a_photograph_to_a_mesh(runs):
    names = runs("1_photograph_to_mesh")
    assert names["person"].vertices.shape[0] == 1
    assert {path.suffix for path in Path("out").rglob("photo*")} == {".png", ".obj", ".json"}


def test_train_and_test(runs, capsys):
    runs("2_train_and_test")
    out = capsys.readouterr().out
    assert "open_tiny/checkpoints/best-2.ckpt" in out
    assert "MPJPE" in out


def test_your_own_data(runs, capsys):
    runs("3_your_own_data")
    assert "within_box" in next(Path("results").glob("own-2d*.json")).read_text()
    assert Path("own/sheet.png").is_file()


def test_your_own_method(runs, capsys):
    runs("4_your_own_method")
    assert Path("outputs/lab_net/lab_net/checkpoints/last.ckpt").is_file()


def test_the_authors_weights(runs, released, capsys):
    names = runs("5_authors_weights")
    assert names["model"].hparams["body"] == "smpl"
    assert "3dpw-test-14j-gendered" in capsys.readouterr().out


def test_export(runs):
    assert runs("6_export")["session"].get_inputs()


def test_publish(runs, capsys):
    runs("2_train_and_test")
    names = runs("7_publish")
    assert type(names["model"]).__name__ == "I2LMeshNetModule"
    assert "user/repo" in capsys.readouterr().out
