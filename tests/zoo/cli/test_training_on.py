"""Weights of the zoo are trained on: `zoo fit --weights NAME`."""

import pytest
import torch

import zoo
from zoo.checkpoints.listing import read_checkpoints
from zoo.cli.lightning_arguments import parse_run_options
from zoo.cli.lightning_cli import ZooCLI
from zoo.documents.resources import weights_folder

BUNDLED = [entry for entry in read_checkpoints().values() if entry.availability == "bundled"]
FEW = {
    "data.train_samples": 4, "data.val_samples": 2, "data.batch_size": 4, "data.num_workers": 0,
    "data.generator_workers": 1, "model.lr": 1e-3,
    "trainer.max_steps": 2, "trainer.limit_val_batches": 0, "trainer.enable_progress_bar": "false",
    "trainer.enable_checkpointing": "false", "trainer.accelerator": "cpu", "trainer.precision": "32-true",
}  # fmt: skip
RENDERED_HERE = ["--model.protocol=open-v1", "--data=datamodules.synthetic.datamodule.SyntheticDataModule"]
"""In place of open-v2's training images, which need assets that do not ship."""
_NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Four training people, photographed once for all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_all_of_a_method_trains_on_from_its_weights(entry, cache, tmp_path, monkeypatch):
    """Not from what they once started from, not a first phase over again, and with batch norms in training mode."""
    monkeypatch.setenv("ZOO_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    before = zoo.load(weights_folder() / entry.file).state_dict()
    data = RENDERED_HERE if entry.name.endswith(".open") else []
    few = [f"--{name}={value}" for name, value in FEW.items()]
    after = ZooCLI(parse_run_options(["fit", "--weights", entry.name, *data, *few])).model
    moved = {name: not torch.equal(value, before[name]) for name, value in after.state_dict().items()}
    trained = [moved[name] for name, weight in after.named_parameters() if weight.requires_grad]
    assert sum(trained) > 0.9 * len(trained)  # the others are biases before a batch norm, and ReLUs that are off
    norms = [name for name, layer in after.named_modules() if isinstance(layer, _NORMS) and layer.training]
    assert norms
    assert all(moved[f"{name}.running_mean"] for name in norms)
    steps = [(value - before[name]).abs().max().item() for name, value in after.named_parameters()]
    assert max(steps) < 0.01  # Adam moves a weight by its rate of 0.001 in each of the two steps
