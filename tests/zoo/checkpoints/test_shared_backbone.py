"""Weights that leave out a bundled backbone: packaged, filled in, published whole, refused with another backbone."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from hub_server import TOKEN
from safetensors import safe_open
from safetensors.torch import load, load_file, save_file

import zoo
from lightning_modules.common.backbones.registry import SHIPPED
from lightning_modules.common.initial_weights import read_state
from zoo.checkpoints.files import weights_folder
from zoo.checkpoints.package import package_checkpoint
from zoo.documents.resources import resource_path
from zoo.errors import ZooError

NAME, BACKBONE = "hemlets.open", "people_movenet"
FILE = weights_folder() / f"{NAME}.safetensors"


@pytest.fixture(scope="module")
def model():
    return zoo.load(NAME)


@pytest.fixture(scope="module")
def state(model):
    """What the module saves; its body's buffers are in no checkpoint."""
    return model.state_dict()


@pytest.fixture(scope="module")
def checkpoint(model, state, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "last.ckpt"
    torch.save({"state_dict": state, "hyper_parameters": dict(model.hparams)}, path)
    return path


def stored(path):
    """Names in a file and its metadata, as any other program sees them."""
    with safe_open(path, "pt") as stream:
        return set(stream.keys()), stream.metadata()


def write_with(path: Path, **shared) -> Path:
    """The file with other facts on what it leaves out."""
    _, metadata = stored(FILE)
    facts = json.loads(metadata["shared"])
    facts[BACKBONE] |= shared
    save_file(load_file(FILE), path, {**metadata, "shared": json.dumps(facts)})
    return path


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_listed_files_leave_out_the_backbone_and_nothing_else(state):
    names, metadata = stored(FILE)
    (shared,) = json.loads(metadata["shared"]).values()
    assert names | set(shared["tensors"]) == set(state)
    assert not names & set(shared["tensors"])
    backbone, own = load_file(SHIPPED / f"{BACKBONE}.safetensors"), load_file(FILE)
    assert set(shared["tensors"].values()) == set(backbone)
    for name, value in state.items():
        expected = own[name] if name in own else backbone[name.removeprefix("network.backbone.net.")]
        assert torch.equal(value, expected.to(value.dtype)), name


def test_a_backbone_that_stayed_as_it_was_is_left_out_by_package(checkpoint, state, tmp_path):
    listing = tmp_path / "checkpoints.yaml"
    shutil.copy(resource_path("checkpoints.yaml"), listing)
    facts = package_checkpoint(checkpoint, NAME, tmp_path, listing)
    path = tmp_path / facts["file"]
    assert stored(path)[0] == stored(FILE)[0]
    assert facts["bytes"] == path.stat().st_size < (SHIPPED / f"{BACKBONE}.safetensors").stat().st_size
    assert yaml.safe_load(listing.read_text())[NAME]["sha256"] == facts["sha256"]
    assert same(zoo.load(path).state_dict(), state)
    assert same(read_state(path), read_state(FILE))  # as a training that starts from it does


def test_ones_own_weights_and_a_trained_backbone_are_whole(checkpoint, state, tmp_path):
    unlisted = tmp_path / package_checkpoint(checkpoint, NAME, tmp_path, None)["file"]
    assert stored(unlisted)[0] == set(state)
    assert "shared" not in stored(unlisted)[1]
    content = torch.load(checkpoint, weights_only=True)
    trained = {key: value * 1.01 if value.is_floating_point() else value for key, value in state.items()}
    torch.save({**content, "state_dict": trained}, tmp_path / "trained.ckpt")
    listing = tmp_path / "checkpoints.yaml"
    shutil.copy(resource_path("checkpoints.yaml"), listing)
    listed = tmp_path / package_checkpoint(tmp_path / "trained.ckpt", NAME, tmp_path, listing)["file"]
    assert stored(listed)[0] == set(state)


def test_what_is_published_is_whole(hub_server, state, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    done = zoo.push(NAME, "someone/open")
    published = hub_server.repos["someone/open"].commits[done.commit]
    assert set(load(published["model.safetensors"])) == set(state)
    assert done.files["model.safetensors"] == len(published["model.safetensors"])
    monkeypatch.setattr("lightning_modules.common.backbones.registry.SHIPPED", tmp_path)
    assert same(zoo.load("someone/open", cache_dir=tmp_path / "cache").state_dict(), state)
    with pytest.raises(
        ZooError, match=r"hemlets\.open\.safetensors needs the backbone people_movenet, which is missing"
    ):
        zoo.load(NAME)
    with pytest.raises(ZooError, match="needs the backbone people_movenet, which is missing"):
        zoo.push(NAME, "someone/open", dry_run=True)


def test_another_or_a_damaged_backbone_is_refused(tmp_path, monkeypatch):
    content = bytearray((SHIPPED / f"{BACKBONE}.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / f"{BACKBONE}.safetensors").write_bytes(content)
    with pytest.raises(ZooError, match=r"sha256 000000000000\.\.\., and .*people_movenet.* is another; reinstall"):
        zoo.load(write_with(tmp_path / "a.safetensors", sha256="0" * 64))
    monkeypatch.setattr("lightning_modules.common.backbones.registry.SHIPPED", tmp_path)
    with pytest.raises(ZooError, match="is another; reinstall the package"):
        zoo.load(NAME)
    with pytest.raises(ValueError, match="is another; reinstall the package"):
        read_state(FILE)


def test_damaged_facts_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    own = min(stored(FILE)[0])
    for tensors in (
        {"network.backbone.net.blocks.0.project.conv.bias": "nothing"},
        {own: "blocks.0.project.conv.bias"},
    ):
        with pytest.raises(ZooError, match="is damaged: what it leaves out is not what backbone people_movenet has"):
            zoo.load(write_with(path, tensors=tensors))
    with pytest.raises(ZooError, match=r"does not fit hemlets: .*Missing key"):
        zoo.load(write_with(path, tensors={}))
    _, metadata = stored(FILE)
    for text in ("[]", "1", "{", '{"people_movenet": 1}', '{"people_movenet": {"sha256": "0"}}', "[" * 9999):
        save_file(load_file(FILE), path, {**metadata, "shared": text})
        with pytest.raises(ZooError, match="is damaged: its metadata do not say what it leaves out"):
            zoo.load(path)
    save_file(load_file(FILE), path, {**metadata, "shared": '{"../a": {"sha256": "0", "tensors": {}}}'})
    with pytest.raises(ZooError, match=r"needs the backbone \.\./a, which is missing"):
        zoo.load(path)
