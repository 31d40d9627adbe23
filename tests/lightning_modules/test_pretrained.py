"""Weights that backbones start from."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from lightning_modules.common.backbones import create_backbone, create_split_backbone, pretrained, registry

LITE = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def trained():
    """A whole network of timm, with its classifier."""
    torch.manual_seed(1)
    return timm.create_model(LITE, num_classes=1000).state_dict()


@pytest.fixture
def file(trained, tmp_path):
    save_file(trained, tmp_path / "lite.safetensors")
    return tmp_path / "lite.safetensors"


def check(backbone, trained):
    state = backbone.net.state_dict()
    assert state
    for name, value in state.items():
        assert torch.equal(value, trained[name]), name


def test_a_local_file(file, trained):
    check(create_backbone(LITE, str(file)), trained)
    part = create_backbone(LITE, str(file), maps=(-2,))
    check(part, trained)
    assert not any(name.startswith("net.blocks.5") for name in part.state_dict())


def test_a_cut_network_starts_from_it_on_both_sides(file, trained):
    stem, body, _ = create_split_backbone(LITE, str(file))
    for name, value in (stem.state_dict() | {k.removeprefix("net."): v for k, v in body.state_dict().items()}).items():
        assert torch.equal(value, trained[name])


def test_weights_that_ship_with_the_package(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path)
    with pytest.raises(ValueError, match=r"'people_lite0': no file .*people_lite0\.safetensors; set"):
        create_backbone("people_lite0", True)
    own = {key: trained[key].half() for key in create_backbone(LITE).net.state_dict()}
    save_file(own, tmp_path / "people_lite0.safetensors")
    check(create_backbone("people_lite0", True), {key: value.to(trained[key].dtype) for key, value in own.items()})


def test_shipped_weights_lie_beside_the_checkpoints():
    assert registry.SHIPPED.parent.is_dir()


def test_other_files_are_refused(trained, file, tmp_path):
    with pytest.raises(ValueError, match=r"'resnet18' cannot start from these weights: .* size mismatch"):
        create_backbone("resnet18", str(file))
    del trained["blocks.3.0.conv_dw.weight"]
    save_file(trained, tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match=r"they have no blocks.3.0.conv_dw.weight$"):
        create_backbone(LITE, str(tmp_path / "b.safetensors"))
    with pytest.raises(ValueError, match=r"no file .*c\.safetensors; set pretrained: false"):
        create_backbone(LITE, str(tmp_path / "c.safetensors"))
    with pytest.raises(ValueError, match="pretrained: imagenet is neither a file nor a repository of the Hub"):
        create_backbone(LITE, "imagenet")
    with pytest.raises(ValueError, match="no weights for backbone 'resnet18_tiny' to start from; set pre"):
        create_backbone("resnet18_tiny", True)


def test_without_a_network_there_is_an_error_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    with pytest.raises(
        ValueError, match=r"^weights of 'resnet18' could not be fetched from timm/resnet18.tv_in1k \(.*refused"
    ):
        create_backbone("resnet18", True)
