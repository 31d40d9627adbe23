"""Weights: packaging, checking, loading."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
import yaml
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

import zoo
from zoo.checkpoints.files import read_metadata
from zoo.checkpoints.listing import parse_checkpoints
from zoo.checkpoints.load import build_model
from zoo.checkpoints.package import _flow_yaml, package_checkpoint, update_listing
from zoo.cli import main
from zoo.errors import ZooError

BATCH_NORM = ("running_mean", "running_var", "num_batches_tracked")


def test_packaged_facts_are_those_of_the_file(small_weights, listing):
    text = (small_weights.parent / "checkpoints.yaml").read_text()
    entry = parse_checkpoints(yaml.safe_load(text))["i2l_meshnet.small"]
    content = small_weights.read_bytes()
    assert entry.availability == "bundled"
    assert entry.source is None
    assert (entry.sha256, entry.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert entry.config == {}  # the file states it, nothing else
    config = json.loads(read_metadata(small_weights)["config"])
    assert entry.parameters == sum(p.numel() for p in build_model("i2l_meshnet", config).parameters())
    assert text.startswith("# kept\n")
    assert text.endswith("# kept as well\n")
    assert small_weights.stat().st_mode & 0o777 == 0o644


def test_matrices_are_half_precision_and_vectors_are_exact(small_weights, small_checkpoint):
    state = torch.load(small_checkpoint, weights_only=True)["state_dict"]
    with safe_open(small_weights, "pt") as stream:
        stored = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        assert json.loads(stream.metadata()["config"])["network"]["crop_size"] == 64
    assert set(stored) == set(state)
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.ndim >= 2:
            assert stored[name].dtype == torch.float16
            torch.testing.assert_close(stored[name].float(), tensor, rtol=1e-3, atol=1e-7)
        else:
            assert torch.equal(stored[name], tensor)


def test_no_body_model_is_in_the_weights(small_weights, small_model):
    with safe_open(small_weights, "pt") as stream:
        names = set(stream.keys())
    parameters = {name for name, _ in small_model.named_parameters()}
    statistics = {name for name in names - parameters if name.rsplit(".", 1)[1] in BATCH_NORM}
    assert names == parameters | statistics
    buffers = {name for name, value in small_model.named_buffers() if 6900 in value.shape}
    assert buffers  # the model does hold a body while it runs
    assert not buffers & names


def test_loaded_by_file_folder_method_and_tag_alike(listed, small_model, tmp_path):
    shutil.copy(listed, tmp_path / "model.safetensors")
    image = torch.rand(1, 3, 64, 64)
    expected = small_model(image).vertices
    for name in (listed, str(listed), tmp_path, "i2l_meshnet", "i2l_meshnet.small"):
        model = zoo.load(name)
        assert not model.training
        assert next(model.parameters()).dtype == torch.float32
        assert torch.equal(model(image).vertices, expected)


def test_outputs_survive_half_precision(small_model, small_checkpoint):
    content = torch.load(small_checkpoint, weights_only=True)
    exact = build_model("i2l_meshnet", content["hyper_parameters"]).eval()
    exact.load_state_dict(content["state_dict"])
    image = torch.rand(1, 3, 64, 64)
    difference = (exact(image).vertices - small_model(image).vertices).abs().max()
    assert difference < 0.05  # bins of a 16-bin axis


def test_a_flipped_byte_is_caught(listed, tmp_path, monkeypatch):
    content = bytearray(listed.read_bytes())
    content[-1] ^= 1
    (tmp_path / listed.name).write_bytes(content)
    monkeypatch.setattr("zoo.checkpoints.files.weights_folder", lambda: tmp_path)
    with pytest.raises(ZooError, match="is not the listed file"):
        zoo.load("i2l_meshnet.small")


def test_only_weights_of_training_may_be_left_over_or_missing(small_weights, tmp_path):
    image = torch.rand(1, 3, 64, 64)
    expected = zoo.load(small_weights)(image).vertices
    with_head = zoo.load(small_weights, losses={"part_weight": 1.0})  # the file has no such head: it is new
    assert torch.equal(with_head(image).vertices, expected)
    with safe_open(small_weights, "pt") as stream:
        facts = stream.metadata()
    path = tmp_path / "model.safetensors"
    state = {key: value.contiguous() for key, value in with_head.state_dict().items()}
    assert any(key.startswith("part_loss.") for key in state)
    save_file(state, path, facts)
    assert torch.equal(zoo.load(path)(image).vertices, expected)  # and here it is left over
    save_file({**state, "other_loss.weight": torch.zeros(1)}, path, facts)
    with pytest.raises(ZooError, match=r"Unexpected key\(s\).*other_loss.weight"):
        zoo.load(path)
    save_file({key: value for key, value in state.items() if not key.endswith("conv_x.bias")}, path, facts)
    with pytest.raises(ZooError, match=r"Missing key\(s\).*conv_x.bias"):
        zoo.load(path)


def test_overrides_replace_hyper_parameters(listed):
    changed = zoo.load("i2l_meshnet", network={"depth_range": 1.5}, flip_test=True)
    assert changed.space.depth_range == 1.5
    stored = json.loads(read_metadata(listed)["config"])
    assert changed.hparams["network"] == {**stored["network"], "depth_range": 1.5}
    assert changed.hparams["losses"] == stored["losses"]
    assert changed.hparams["flip_test"]
    with pytest.raises(ZooError, match="does not fit"):
        zoo.load("i2l_meshnet", network={"head_channels": 16})
    with pytest.raises(ZooError, match=r"cannot be built: no setting 'nonsense'; there are network"):
        zoo.load("i2l_meshnet", nonsense=1)
    with pytest.raises(ZooError, match=r"network.cascade: .*'pose_net', 'true', 'none'.* Got value: both$"):
        zoo.load("i2l_meshnet", network={"cascade": "both"})
    with pytest.raises(ZooError, match=r"SMPL|smpl"):
        zoo.load("i2l_meshnet", body="smpl")


def test_what_cannot_be_loaded_says_what_to_do(tmp_path, small_checkpoint, small_weights):
    text = tmp_path / "text.safetensors"
    text.write_text("not weights")
    for name, message in {
        "nobody": "no model 'nobody'",
        "i2l_meshnet.freihand": "snapshot_24.pth.tar from the authors",
        str(tmp_path / "missing.safetensors"): "no such file",
        str(text): "not a safetensors file",
        str(tmp_path): "no such file",
        str(small_checkpoint): "does not name its method; run zoo package",
        "weights.pth": "convert an authors' file with zoo convert",
    }.items():
        with pytest.raises(ZooError, match=message):
            zoo.load(name)
    with pytest.raises(ZooError, match="cannot be used"):
        zoo.load(small_weights, device="nonsense")


def test_the_hub_is_not_asked_offline(tmp_path):
    with pytest.raises(ZooError, match="not in the cache"):
        zoo.load("nobody/nothing", offline=True, cache_dir=tmp_path)
    with pytest.raises(ZooError, match="no Hub repository name"):
        zoo.load("a/b/c", offline=True, cache_dir=tmp_path)


class Trap:
    """An object whose unpickling creates a file."""

    def __reduce__(self):
        return (open, ("trapped", "w"))


def test_packaging_refuses_what_it_must(small_checkpoint, listing, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    content = torch.load(small_checkpoint, weights_only=True)
    name = next(key for key, value in content["state_dict"].items() if value.ndim >= 2)
    good = content["state_dict"][name]

    def attempt(**changes):
        torch.save({**content, **changes}, "bad.ckpt")
        (tmp_path / "list.yaml").write_text(listing)
        with pytest.raises(ZooError) as caught:
            package_checkpoint(tmp_path / "bad.ckpt", "i2l_meshnet.small", tmp_path / "out", tmp_path / "list.yaml")
        assert (tmp_path / "list.yaml").read_text() == listing
        return str(caught.value)

    assert "NaN or infinity" in attempt(state_dict={**content["state_dict"], name: good * float("nan")})
    assert "beyond 16-bit" in attempt(state_dict={**content["state_dict"], name: good * 0 + 1e6})
    assert "does not fit" in attempt(state_dict={"x": good})
    assert "plain values" in attempt(extra=Trap())
    assert not (tmp_path / "trapped").exists()
    assert not (tmp_path / "out").exists()
    with pytest.raises(ZooError, match="has no entry"):
        update_listing(tmp_path / "list.yaml", "i2l_meshnet.other", {})
    assert main(["package", "missing.ckpt", "i2l_meshnet.small"]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("value", [1e-05, 4e-5, -2e10, 0.001, 3, True, None, "1e-05", "none", [1.5, {"a": "b, c"}], {}])
def test_hyper_parameters_come_back_from_the_list(value):
    row = f"config: {_flow_yaml({'lr': value})}"
    assert "\n" not in row
    assert yaml.safe_load(row) == {"config": {"lr": value}}
    assert yaml.safe_load(_flow_yaml(value)) == value


def test_local_files_have_no_revision(small_weights):
    with pytest.raises(ZooError, match="is a local file, so it has no revision 'v1'"):
        zoo.load(small_weights, revision="v1")


def test_weights_of_ones_own_need_no_list(small_checkpoint, small_model, tmp_path, capsys):
    command = ["package", str(small_checkpoint), "i2l_meshnet.mine", "--unlisted", "--folder", str(tmp_path)]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "i2l_meshnet.mine.safetensors"
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(zoo.load(tmp_path / "i2l_meshnet.mine.safetensors")(image).vertices, small_model(image).vertices)


def test_a_checkpoint_of_lightning_is_loaded_as_it_is(tmp_path, monkeypatch, capsys):
    """One that a Trainer saved, without any part of this zoo's command line."""
    network = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 16, "feature_channels": 16}
    model = build_model("hemlets", {"network": network})
    trainer = pl.Trainer(logger=False, accelerator="cpu", enable_checkpointing=False, default_root_dir=tmp_path)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "mine.ckpt")
    image, loaded = torch.rand(2, 3, 64, 64), zoo.load(str(tmp_path / "mine.ckpt"))
    assert not loaded.training
    assert torch.equal(loaded(image).joints, model.eval()(image).joints)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (80, 90)).save("a.png")
    assert main(["predict", "a.png", "--whole", "--model", "mine.ckpt", "--formats", "json"]) == 0
    assert json.loads(Path("prediction/a.json").read_text())["model"] == "mine.ckpt"
    assert main(["package", "mine.ckpt", "danet.mine", "--unlisted", "--folder", "."]) == 2
    assert "holds weights of hemlets" in capsys.readouterr().err
