"""Backbones that start from the weights of another training."""

import json

import pytest
import torch
from official_weights import golden
from safetensors.torch import save_file

from lightning_modules.common.backbones import create_backbone, create_pose_hrnet
from lightning_modules.common.initial_weights import load_backbone, read_state
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig
from lightning_modules.i2l_meshnet.network import I2LMeshNet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    config = I2LMeshNetConfig(backbone="resnet18_tiny", crop_size=64, head_channels=4)
    return I2LMeshNet(torch.full((2, 10), 0.1), config)


def test_a_cut_backbone_is_put_together_again(network, tmp_path):
    path = tmp_path / "a.safetensors"
    state = {f"network.{key}": value.contiguous() for key, value in network.state_dict().items()}
    save_file(state, path)
    backbone = create_backbone("resnet18_tiny")
    load_backbone(backbone, path)
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = network.eval().pose_body(network.stem(image))[-1]
        torch.testing.assert_close(backbone.eval()(image)[-1], expected)


def test_a_whole_backbone_is_found_under_any_name(tmp_path):
    first, second = create_backbone("resnet18_tiny"), create_backbone("resnet18_tiny")
    state = {f"network.encoder.{key}": value for key, value in first.state_dict().items()}
    torch.save({"state_dict": state | {"network.head.weight": torch.zeros(1)}}, tmp_path / "a.ckpt")
    load_backbone(second, tmp_path / "a.ckpt")
    for key, value in second.state_dict().items():
        torch.testing.assert_close(value, first.state_dict()[key])


def test_a_pose_hrnet_as_published_is_found(tmp_path):
    """Under the names of DaNet's authors, whose HRNet is that of COCO's keypoints; its last layer is left out."""
    prefix, heads = "img2iuv.iuv_est.", ("predict_", "final_pred", "deconv", "smpl")
    keys = [json.loads(str(entry))[0] for entry in golden("danet_hrnet_gcn")["keys"]]
    parts = ("conv1", "bn1", "conv2", "bn2", "layer1", "transition", "stage")
    published = {key.removeprefix(prefix) for key in keys if key.startswith(prefix)}
    published = {key for key in published if key.startswith(parts) and not key.startswith(heads)}
    backbone = create_pose_hrnet("hrnet_w32")
    own = {key.removeprefix("net."): value for key, value in backbone.state_dict().items()}
    assert published == set(own)
    state = {key: torch.full_like(own[key], 0.5 if own[key].is_floating_point() else 7) for key in published}
    torch.save(state | {"final_layer.weight": torch.zeros(17, 32, 1, 1)}, tmp_path / "pose_hrnet.pth")
    load_backbone(backbone, tmp_path / "pose_hrnet.pth")
    assert all((value == state[key.removeprefix("net.")]).all() for key, value in backbone.state_dict().items())
    torch.save(["no", "state"], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="is not a Lightning checkpoint"):
        load_backbone(backbone, tmp_path / "list.pth")


def test_other_files_are_refused(network, tmp_path):
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "a.ckpt")
    torch.save({"state_dict": {"network.head.weight": torch.zeros(1)}}, tmp_path / "b.ckpt")
    with pytest.raises(ValueError, match=r"a\.ckpt has another backbone: .*(Missing|Unexpected|size mismatch)"):
        load_backbone(create_backbone("resnet18"), tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match=r"b\.ckpt has no backbone"):
        load_backbone(create_backbone("resnet18_tiny"), tmp_path / "b.ckpt")
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_backbone(create_backbone("resnet18_tiny"), tmp_path / "c.ckpt")


class Trap:
    def __reduce__(self):
        return (open, ("sprung", "w"))


@pytest.mark.parametrize("content", ["cut", "trap"])
def test_damaged_and_hostile_checkpoints_are_one_line(content, tmp_path, monkeypatch):
    """Without torch's advice to run what is in the file."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.ckpt"
    torch.save({"state_dict": {}, "extra": Trap() if content == "trap" else None}, path)
    if content == "cut":
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="nothing in it was run") as refused:
        read_state(path)
    assert "weights_only" not in str(refused.value)
    assert not (tmp_path / "sprung").exists()
