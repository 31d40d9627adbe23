"""`METHOD/lsp`: every method's trained weights on photographs, through the real command line."""

from pathlib import Path

import pytest
from fake import lsp

from datamodules.files import DamagedData
from lightning_modules import METHODS
from zoo.checkpoints import listing
from zoo.cli import lightning_arguments, main
from zoo.cli.lightning_arguments import parse_run_options
from zoo.cli.lightning_cli import ZooCLI

SMALL = ["--model.network.crop_size", "128", "--data.batch_size", "2", "--data.num_workers", "0"]
SMALL += ["--trainer.accelerator", "cpu", "--trainer.precision", "32-true"]
SIZES = {"nbf": ["--model.network.input_size", "96"]}


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    root, extended = tmp_path_factory.mktemp("lsp"), tmp_path_factory.mktemp("lsp_extended")
    (root / "images").mkdir()
    lsp.write_lsp(root)
    lsp.write_extended(extended, high_resolution=False)
    return root, extended


def command(method, root):
    weights = ["--weights", f"{method}.open_tiny", "--data.root", str(root)]
    return ["test", "--config", f"{method}/lsp", *weights, *SMALL, *SIZES.get(method, [])]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "rootnet"])
def test_the_data_are_cropped_for_the_weights(copies, method):
    run = ZooCLI(parse_run_options(command(method, copies[0])))
    assert run.model.protocol.id == run.datamodule.protocol == "lsp-test-2d"
    assert (run.datamodule.crops.window_scale, run.datamodule.crops.size) == (1.5, 128)
    assert [run.datamodule.table("test").images[row][-10:] for row in range(3)] == [
        f"im{n}.jpg" for n in (1001, 1002, 1003)
    ]


def test_joints_in_photographs_are_scored(copies, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(command("hemlets", copies[0])) == 0
    assert "has 3 of the 1000 samples that protocol lsp-test-2d means" in capsys.readouterr().out
    (scores,) = Path("outputs/hemlets/lsp").rglob("metrics.csv")
    names, values = (line.split(",") for line in scores.read_text().split())
    found = dict(zip(names, values, strict=True))
    assert 0 <= float(found["test/pck"]) <= 100
    assert float(found["test/box_error"]) > 0


def test_the_extended_set_is_another_data_class(copies):
    data = ["--data", "datamodules.lsp.LspExtendedDataModule", "--model.protocol", "lsp-extended-2d"]
    with pytest.raises(DamagedData, match="lsp_extended0: not one sample of the test split is there"):
        ZooCLI(parse_run_options(data_first(command("hemlets", copies[1]), data)))  # nobody has all twelve joints


def data_first(words, data):
    """`--data CLASS` has to come before the options of that class."""
    at = words.index("--weights")
    return [*words[:at], *data, *words[at:]]


def test_weights_of_the_configuration_that_it_is_based_on_are_taken(monkeypatch):
    entries = {entry.name: entry for entry in listing.read_checkpoints().values()}
    trained = entries["hemlets.open_tiny"]
    renamed = trained.__class__(**{**vars(trained), "name": "hemlets.open", "training": trained.training.__class__(
        **{**vars(trained.training), "config": "hemlets/open"})})  # fmt: skip
    monkeypatch.setattr(lightning_arguments, "read_checkpoints", lambda: {"hemlets.open": renamed})
    assert parse_run_options(["test", "--config", "hemlets/lsp"]).weights == "hemlets.open"
