"""MoveNet's network and its weights from a TensorFlow.js file, against the graph of that file run in numpy."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from body.skeleton import COCO17, OPEN36
from lightning_modules.common.backbones import create_backbone, create_pyramid, create_split_backbone
from lightning_modules.common.backbones.movenet import MoveNet, Separable
from lightning_modules.common.backbones.movenet_people import SHARPER, PeopleMoveNet
from lightning_modules.common.backbones.movenet_weights import head_state, main, movenet_state, read_tfjs
from lightning_modules.common.joint_prior import person_maps

TRUNK, PYRAMID, JOINTS = "a/model_1/model/", "a/model_1/", "a/kpt_heatmap_0/"
WIDTHS = (*[8] * 6, *[16] * 4, *[24] * 3, *[40] * 3, 80)  # of blocks, at a quarter of the width


def kernel(rng, side, width, out):
    return rng.normal(size=(side, side, width, out)).astype(np.float16)


def named_weights():
    """A small MoveNet's weights under the names of Google's graph: kernels are rows, columns, inputs, outputs."""
    rng, weights = np.random.default_rng(0), {}

    def folded(layer, width, out, side=1):
        weights[f"{layer}/Conv2D_weights"] = kernel(rng, side, width, out)
        weights[f"{layer}/Conv2D_bn_offset"] = rng.normal(size=out).astype(np.float16)

    folded(f"{TRUNK}Conv1", 3, 8, 3)
    width = 8
    for number, out in enumerate(WIDTHS):
        layer, inner = f"{TRUNK}block_{number}" if number else f"{TRUNK}expanded_conv", 6 * width if number else width
        if number:
            folded(f"{layer}_expand", width, inner)
        weights[f"{layer}_depthwise/depthwise_weights"] = kernel(rng, 3, inner, 1)
        weights[f"{layer}_depthwise/depthwise_bn_offset"] = rng.normal(size=inner).astype(np.float16)
        folded(f"{layer}_project", inner, out)
        width = out
    folded(f"{TRUNK}Conv_1", width, 1280)
    for suffix, read, out in (("_3", 8, 24), ("_2", 8, 32), ("_1", 16, 64), ("", 1280, 64)):
        weights[f"{PYRAMID}conv2d{suffix}/Conv2D/ReadVariableOp"] = kernel(rng, 1, read, out)
        weights[f"{PYRAMID}conv2d{suffix}/BiasAdd/ReadVariableOp"] = rng.normal(size=out).astype(np.float16)
    for suffix, read, out in (("_2", 24, 24), ("_1", 32, 24), ("", 64, 32)):
        layer = f"{PYRAMID}separable_conv2d{suffix}/separable_conv2d"
        weights |= {f"{layer}/ReadVariableOp": kernel(rng, 3, read, 1), f"{layer}_weights": kernel(rng, 1, read, out)}
        weights[f"{layer}_bn_offset"] = rng.normal(size=out).astype(np.float16)
    layer = f"{JOINTS}separable_conv2d_4"
    weights[f"{layer}/separable_conv2d/ReadVariableOp"] = kernel(rng, 3, 24, 1)
    weights[f"{layer}/separable_conv2d/ReadVariableOp_1"] = kernel(rng, 1, 24, 96)
    weights[f"{layer}/BiasAdd/ReadVariableOp"] = rng.normal(size=96).astype(np.float16)
    weights[f"{JOINTS}conv2d_5/Conv2D/ReadVariableOp"] = kernel(rng, 1, 96, 17)
    weights[f"{JOINTS}conv2d_5/BiasAdd/ReadVariableOp"] = rng.normal(size=17).astype(np.float16)
    return weights | {"a/shape": np.array([1, 2], np.int32)}


def write_tfjs(folder, weights):
    entries = []
    for name, values in weights.items():
        half = {"quantization": {"dtype": "float16"}} if values.dtype == np.float16 else {}
        kind = "float32" if half else str(values.dtype)
        entries.append({"name": name, "shape": list(values.shape), "dtype": kind, **half})
    (folder / "tiny.bin").write_bytes(b"".join(values.tobytes() for values in weights.values()))
    path = folder / "tiny.json"
    path.write_text(json.dumps({"weightsManifest": [{"paths": ["tiny.bin"], "weights": entries}]}))
    return path


def test_every_weight_of_the_file_finds_its_layer(tmp_path, monkeypatch, capsys):
    weights = named_weights()
    path, out = write_tfjs(tmp_path, weights), tmp_path / "tiny.safetensors"
    monkeypatch.setattr("sys.argv", ["movenet_weights", str(path), str(out)])
    main()
    net = MoveNet(0.25)
    net.load(load_file(out))
    assert f"{sum(p.numel() for p in net.parameters()):,} weights" in capsys.readouterr().out
    # the stem by hand: TensorFlow pads a stride of 2 at the right and the bottom alone
    image = torch.rand(1, 3, 32, 32)
    pixels = np.pad(image[0].permute(1, 2, 0).numpy(), ((0, 1), (0, 1), (0, 0)))
    rows, columns = 2 * np.arange(16)[:, None] + np.arange(3), 2 * np.arange(16)[:, None] + np.arange(3)
    patches = pixels[rows[:, None, :, None], columns[None, :, None, :]]
    stem = np.einsum("ijrck,rcko->ijo", patches, weights[f"{TRUNK}Conv1/Conv2D_weights"].astype(np.float64))
    stem = np.clip(stem + weights[f"{TRUNK}Conv1/Conv2D_bn_offset"], 0, 6)
    with torch.no_grad():
        np.testing.assert_allclose(net.stem(image)[0].permute(1, 2, 0).numpy(), stem, atol=1e-4)


def test_damaged_files_and_other_networks_are_refused(tmp_path, monkeypatch):
    weights = named_weights()
    path = write_tfjs(tmp_path, weights)
    (tmp_path / "tiny.bin").write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match="weights have 100 bytes, not what it lists"):
        read_tfjs(path)
    path.write_text("{}")
    monkeypatch.setattr("sys.argv", ["movenet_weights", str(path), str(tmp_path / "out.safetensors")])
    with pytest.raises(SystemExit, match=r"is no TensorFlow\.js model"):
        main()
    del weights[f"{TRUNK}block_3_expand/Conv2D_weights"]
    with pytest.raises(ValueError, match=r"0 weights end with .*block_3_expand.*this is not the MoveNet"):
        movenet_state(weights)


def test_another_head_of_the_graph():
    """The joints' head, which every MoveNet has, under names of one's own."""
    weights = named_weights()
    state = head_state(weights, "kpt_heatmap_0", 4, "heads.a.0", "heads.a.1")
    head = torch.nn.ModuleDict({"a": torch.nn.Sequential(Separable(24, 96), torch.nn.Conv2d(96, 17, 1))})
    head.load_state_dict({name.removeprefix("heads."): value for name, value in state.items()}, strict=True)
    stored = weights[f"{JOINTS}separable_conv2d_4/separable_conv2d/ReadVariableOp_1"]
    np.testing.assert_array_equal(state["heads.a.0.pointwise.weight"][5, 3, 0, 0], stored[0, 0, 3, 5])
    with pytest.raises(ValueError, match="this is not the MoveNet"):
        head_state(weights, "center_0", 3, "a", "b")


def test_weights_of_movenet_leave_the_second_pyramid_as_it_is(tmp_path):
    save_file(MoveNet().state_dict(), tmp_path / "movenet.safetensors")
    backbone = create_backbone("people_movenet", str(tmp_path / "movenet.safetensors"))
    given = load_file(tmp_path / "movenet.safetensors")
    own = backbone.net.state_dict()
    assert all(torch.equal(own[key], value) for key, value in given.items())
    save_file({"stem.conv.bias": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="backbone 'movenet_lightning' cannot start from these weights"):
        create_backbone("movenet_lightning", str(tmp_path / "other.safetensors"))


@pytest.mark.parametrize(("stride", "width"), [(4, 145 + 96), (8, 97 * 4 + 96), (16, 97 * 16 + 96), (None, 320)])
def test_one_map_for_heads_that_read_one(stride, width):
    torch.manual_seed(0)
    backbone = create_backbone("people_movenet", maps=(-1,), output_stride=stride).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        (features,) = backbone(image)
    assert features.shape == (1, width, 64 // (stride or 32), 96 // (stride or 32))
    assert (backbone.channels, backbone.reductions) == ([width], [stride or 32])
    if stride != 4:  # where it would be cut
        torch.manual_seed(0)
        stem, body, channels = create_split_backbone("people_movenet", output_stride=stride)
        with torch.no_grad():
            (split,) = body.eval()(stem.eval()(image))
        torch.testing.assert_close(split, features)
        assert channels == 24


def test_coco_joints_are_movenets_own():
    net = PeopleMoveNet().eval()
    with torch.no_grad():
        image = torch.rand(1, 3, 64, 64)
        maps, logits = net(image)[0], net.levels(image).joints
    for number, name in enumerate(COCO17.joints):
        torch.testing.assert_close(maps[:, OPEN36.index(name)], SHARPER * logits[:, number])


def test_every_weight_gets_a_gradient():
    for backbone, finest in ((create_pyramid("people_movenet"), 0),
                             (create_backbone("people_movenet", maps=(-1,), output_stride=4), -1),
                             (create_backbone("movenet_lightning", maps=(-1,)), None)):  # fmt: skip
        features = backbone(torch.rand(2, 3, 64, 64))
        loss = sum(one.square().mean() for one in features)
        if finest is not None:  # the refiner answers where maps are read
            loss = loss + person_maps(backbone, features[finest]).places.square().mean()
        loss.backward()
        assert all(weight.grad is not None for weight in backbone.parameters())


def test_joint_maps_are_those_of_googles_graph():
    """Golden numbers of movenet/singlepose/lightning/4 on this image, from its graph run node by node in numpy."""
    net = create_backbone("people_movenet", True).net.eval()
    g = np.arange(192)
    waves = [np.sin(g[:, None] / (7 + 3 * c)) * np.cos(g[None] / (5 + 4 * c)) for c in range(3)]
    image = torch.from_numpy(np.round(127.5 + 127.5 * np.stack(waves)).astype(np.float32))[None]
    with torch.no_grad():
        logits = net.levels(image / 127.5 - 1).joints[0]
    golden = json.loads((Path(__file__).parents[1] / "golden" / "movenet_lightning.json").read_text())
    np.testing.assert_allclose(logits[:, ::16, ::16].numpy(), np.array(golden["every_16th_cell"]), atol=2e-3)
    np.testing.assert_allclose(logits.mean((1, 2)).numpy(), np.array(golden["mean"]), atol=1e-3)
