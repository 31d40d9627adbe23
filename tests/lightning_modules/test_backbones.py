import pytest
import timm
import torch
import torchvision

from lightning_modules.common.backbones import (
    BACKBONES,
    create_backbone,
    create_pyramid,
    create_split_backbone,
)


@pytest.mark.parametrize("name", ["resnet18", "resnet18_tiny", "hrnet_w32", "mobilenetv3_small_100"])
def test_channels_and_reductions_describe_the_features(name):
    backbone = create_backbone(name).eval()
    with torch.no_grad():
        features = backbone(torch.rand(1, 3, 64, 64))
    assert [f.shape[1] for f in features] == backbone.channels
    assert [64 // f.shape[2] for f in features] == backbone.reductions
    assert backbone.reductions[-1] == (16 if name == "resnet18_tiny" else 32)  # its last stage is dilated


@pytest.mark.parametrize(
    "name",
    [
        "resnet18_tiny",
        "resnet50",
        "hrnet_w32",
        "vgg11",
        "tf_efficientnet_lite0",
        "mobilenetv3_small_050",
        "swin_tiny_patch4_window7_224",
        "vit_small_patch14_dinov2",
    ],
)
def test_body_of_stem_is_the_whole_network(name):
    torch.manual_seed(0)
    whole = create_backbone(name, maps=(-1,)).eval()
    torch.manual_seed(0)
    stem, body, channels = create_split_backbone(name)
    with torch.no_grad():
        image = torch.rand(2, 3, 64, 64)
        shared = stem.eval()(image)
        features, expected = body.eval()(shared), whole(image)
    assert shared.shape == (2, channels, 16, 16)
    assert [f.shape[1] for f in features] == body.channels
    assert [64 // f.shape[2] for f in features] == body.reductions
    torch.testing.assert_close(features, expected)
    names = {f"net.{name}" for name in stem.state_dict()} | set(body.state_dict())
    assert names == set(whole.state_dict())


def test_vgg_is_cut_after_its_second_pooling():
    stem, body, channels = create_split_backbone("vgg16")
    with torch.no_grad():
        shared = stem(torch.rand(1, 3, 64, 64))
        assert shared.shape == (1, channels, 16, 16) == (1, 128, 16, 16)
        features = body(shared)
    assert [f.shape[1] for f in features] == body.channels
    assert [64 // f.shape[2] for f in features] == body.reductions == [32]


def test_patches_of_fourteen_pixels_are_seen_at_their_own_scale():
    # 64 pixels are 4 x 4 cells of stride 16, and as many patches of the image at 56 pixels
    backbone, image = create_backbone("vit_small_patch14_dinov2").eval(), torch.rand(1, 3, 64, 64)
    small = torch.nn.functional.interpolate(image, (56, 56), mode="bilinear", align_corners=False)
    with torch.no_grad():
        (expected,) = backbone.net.model.forward_intermediates(small, indices=[11], intermediates_only=True)
        torch.testing.assert_close(backbone(image), [expected])
    assert expected.shape[2:] == (4, 4)


def test_the_pyramid_of_a_transformer_is_four_of_its_blocks_resized():
    pyramid, image = create_pyramid("vit_tiny_patch16_224").eval(), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        maps = pyramid(image)
        blocks = pyramid.net.model.forward_intermediates(image, indices=[2, 5, 8, 11], intermediates_only=True)
    assert [64 // features.shape[2] for features in maps] == pyramid.reductions == [4, 8, 16, 32]
    torch.testing.assert_close(maps[2], blocks[2])
    # halved by bilinear interpolation: the mean of the four cells around the middle
    torch.testing.assert_close(maps[3], torch.nn.functional.avg_pool2d(blocks[3], 2))


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0", "pvt_v2_b0", "vit_tiny_patch16_224"])
def test_output_stride(name):
    backbone = create_backbone(name, maps=(-1,), output_stride=8)
    with torch.no_grad():
        (features,) = backbone.eval()(torch.rand(1, 3, 64, 64))
    assert features.shape == (1, backbone.channels[-1], 8, 8)
    assert backbone.reductions == [8]


def test_a_network_of_one_size_reads_any_image():
    backbone = create_backbone("efficientformerv2_s0").eval()  # 224 pixels
    with torch.no_grad():
        assert [features.shape[-1] for features in backbone(torch.rand(1, 3, 64, 64))] == [16, 8, 4, 2]
    with pytest.raises(ValueError, match=r"'efficientformerv2_s0' cannot be cut at stride 4 \(it reads images of 224"):
        create_split_backbone("efficientformerv2_s0")


def test_networks_without_maps_are_refused_in_one_line(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("features_only is\nnot there")

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(ValueError, match=r"^timm's 'resnet34' has no feature maps \(features_only is not there\); use"):
        create_backbone("resnet34")


def test_statistics_of_images_are_those_of_the_weights():
    assert create_backbone("resnet18").mean == (0.485, 0.456, 0.406)
    assert create_backbone("people_lite0").mean == (0.5, 0.5, 0.5)


def test_every_name_of_the_papers_is_a_timm_model():
    assert {"resnet18", "resnet50", "resnet101", "hrnet_w32", "hrnet_w48", "vgg16"} <= set(BACKBONES)
    assert all(spec.make is not None or timm.is_model(spec.model) for spec in BACKBONES.values())
    # what the papers start from is torchvision's; timm's own default is another training
    assert all(timm.get_pretrained_cfg(BACKBONES[f"resnet{n}"].model).tag == "tv_in1k" for n in (18, 50, 101))


def test_body_has_no_stem_weights_and_the_stem_no_others():
    stem, body, _ = create_split_backbone("resnet18")
    assert {name.split(".")[0] for name, _ in stem.named_parameters()} == {"conv1", "bn1"}
    assert {name.split(".")[1] for name, _ in body.named_parameters()} == {f"layer{i}" for i in (1, 2, 3, 4)}


def test_building_leaves_batch_norm_untouched():
    stem, body, _ = create_split_backbone("resnet18")
    for layer in [*stem.modules(), *body.modules()]:
        assert layer.training
        if isinstance(layer, torch.nn.BatchNorm2d):
            assert layer.num_batches_tracked == 0
            assert torch.equal(layer.running_mean, torch.zeros_like(layer.running_mean))


def test_resnet50_is_torchvisions():
    # the official I2L-MeshNet and RootNet weights are torchvision ResNets (stride in the 3x3 convolution)
    ours, theirs = create_backbone("resnet50").eval(), torchvision.models.resnet50(weights=None).eval()
    state = {k: v for k, v in theirs.state_dict().items() if not k.startswith("fc.")}
    ours.net.load_state_dict(state, strict=True)
    with torch.no_grad():
        x = image = torch.rand(1, 3, 64, 64)
        for part in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            x = getattr(theirs, part)(x)
        torch.testing.assert_close(ours(image)[-1], x)


def test_unknown_names_are_explained():
    with pytest.raises(ValueError, match="no backbone 'resnet51'; did you mean resnet50"):
        create_backbone("resnet51")
