"""Weights of a small untrained model, written the way `zoo fit` and `zoo.checkpoints.package` write them."""

import time
from pathlib import Path

import pytest
import torch
import yaml
from hub_server import Hub

SMALL = {"network": {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}}


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory) -> Path:
    """A Lightning checkpoint: state and hyper-parameters, as plain values."""
    from zoo.checkpoints.load import build_model

    torch.manual_seed(0)
    model = build_model("i2l_meshnet", SMALL)
    path = tmp_path_factory.mktemp("small") / "last.ckpt"
    torch.save({"state_dict": model.state_dict(), "hyper_parameters": dict(model.hparams), "epoch": 0}, path)
    return path


@pytest.fixture(scope="session")
def listing() -> str:
    """A `checkpoints.yaml` with one entry that has no weights yet, and a comment."""
    entry = {
        "method": "i2l_meshnet",
        "summary": "for the tests",
        "availability": "none",
        "default": True,
        "body": "open",
        "inputs": "crops",
        "outputs": "mesh",
        "licences": {"weights": "Apache-2.0", "data": "CC0-1.0", "redistributable": True},
        "source": {"reason": "not trained", "date": "2026-11-21"},
        "training": {"data": "none", "config": "i2l_meshnet/open_tiny"},
    }
    return "# kept\n" + yaml.safe_dump({"i2l_meshnet.small": entry}, sort_keys=False) + "\n# kept as well\n"


@pytest.fixture(scope="session")
def small_weights(small_checkpoint, listing) -> Path:
    """`i2l_meshnet.small.safetensors`, beside the `checkpoints.yaml` that lists it."""
    from zoo.checkpoints.package import package_checkpoint

    folder = small_checkpoint.parent
    (folder / "checkpoints.yaml").write_text(listing)
    package_checkpoint(small_checkpoint, "i2l_meshnet.small", folder, folder / "checkpoints.yaml")
    return folder / "i2l_meshnet.small.safetensors"


@pytest.fixture(scope="session")
def small_model(small_weights):
    """The model of those weights."""
    from zoo.checkpoints.load import load

    return load(small_weights)


@pytest.fixture
def listed(small_weights, monkeypatch):
    """The zoo knows exactly one model, `i2l_meshnet.small`, bundled."""
    from zoo.documents import resources

    found = resources.resource_path
    yaml_file = small_weights.parent / "checkpoints.yaml"
    patched = lambda name: yaml_file if name == "checkpoints.yaml" else found(name)  # noqa: E731
    monkeypatch.setattr("zoo.checkpoints.listing.resource_path", patched)
    monkeypatch.setattr("zoo.prediction.default_weights.NAME", "i2l_meshnet")
    monkeypatch.setattr("zoo.checkpoints.files.weights_folder", lambda: small_weights.parent)
    return small_weights


@pytest.fixture
def hub_server(monkeypatch, tmp_path):
    """A Hub on the loopback interface to which the real client in this process talks, with short pauses."""
    from huggingface_hub import constants

    hub, sleep = Hub(), time.sleep
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    yield hub
    hub.close()
