"""Methods, benchmarks and backbones of other packages that cannot be loaded: one line each, and all others work."""

import pytest

from datamodules import BENCHMARKS
from lightning_modules import METHODS
from lightning_modules.common.backbones import create_backbone
from zoo.checkpoints.load import build_model
from zoo.cli import main
from zoo.environment.benchmark_assets import benchmark_assets
from zoo.errors import ZooError


@pytest.fixture(autouse=True)
def broken(tmp_path, monkeypatch):
    (tmp_path / "broken_lab.py").write_text("raise RuntimeError('two\\nlines')\n")
    info = tmp_path / "broken_lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[human_mesh_zoo.backbones]\nlab = broken_lab\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(METHODS, "lab_net", "broken_lab.Net")
    monkeypatch.setitem(BENCHMARKS, "lab_bench", "broken_lab.Data")


def test_a_method():
    with pytest.raises(ZooError, match=r"^method 'lab_net' cannot be loaded, .* broken_lab: RuntimeError: two lines$"):
        build_model("lab_net", {})
    with pytest.raises(ZooError, match="no method 'lab_nets'; did you mean lab_net"):
        build_model("lab_nets", {})


def test_a_benchmark(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["data", "check"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("lab_bench"))
    assert "cannot be loaded" in row
    assert main(["data", "check", "lab_bench", "--root", "."]) == 2
    assert "RuntimeError: two lines" in capsys.readouterr().err
    (asset,) = (asset for asset in benchmark_assets() if asset.name == "lab_bench")
    assert "repair or uninstall broken_lab" in asset.how_to_get


def test_a_backbone():
    with pytest.warns(UserWarning, match="backbones of broken_lab cannot be loaded"):  # noqa: SIM117
        with pytest.raises(ValueError, match="no backbone 'lab_backbone'; "):
            create_backbone("lab_backbone")
