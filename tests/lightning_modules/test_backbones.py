import pytest
import timm
import torch
import torchvision

from lightning_modules.common.backbones import BACKBONES, create_backbone, create_split_backbone


@pytest.mark.parametrize("name", ["resnet18", "resnet18_tiny", "hrnet_w32", "mobilenetv3_small_100"])
def test_channels_and_reductions_describe_the_features(name):
    backbone = create_backbone(name).eval()
    with torch.no_grad():
        features = backbone(torch.rand(1, 3, 64, 64))
    assert [f.shape[1] for f in features] == backbone.channels
    assert [64 // f.shape[2] for f in features] == backbone.reductions
    assert backbone.reductions[-1] == (16 if name == "resnet18_tiny" else 32)  # its last stage is dilated


@pytest.mark.parametrize("name", ["resnet18_tiny", "resnet50", "hrnet_w32"])
def test_body_of_stem_is_the_whole_network(name):
    torch.manual_seed(0)
    whole = create_backbone(name).eval()
    torch.manual_seed(0)
    stem, body = create_split_backbone(name)
    with torch.no_grad():
        image = torch.rand(2, 3, 64, 64)
        shared = stem.eval()(image)
        features, expected = body.eval()(shared), whole(image)
    assert shared.shape[2:] == (16, 16)
    assert [f.shape[1] for f in features] == body.channels
    assert [64 // f.shape[2] for f in features] == body.reductions
    for ours, theirs in zip(reversed(features), reversed(expected), strict=False):
        torch.testing.assert_close(ours, theirs)


def test_vgg_is_cut_after_its_second_pooling():
    stem, body = create_split_backbone("vgg16")
    with torch.no_grad():
        shared = stem(torch.rand(1, 3, 64, 64))
        assert shared.shape == (1, 128, 16, 16)
        features = body(shared)
    assert [f.shape[1] for f in features] == body.channels
    assert [64 // f.shape[2] for f in features] == body.reductions == [4, 8, 16, 32]


def test_every_name_of_the_papers_is_a_timm_model():
    assert {"resnet18", "resnet50", "resnet101", "hrnet_w32", "hrnet_w48", "vgg16"} <= set(BACKBONES)
    assert all(timm.is_model(model) for model, _ in BACKBONES.values())


def test_body_has_no_stem_weights_and_the_stem_no_others():
    stem, body = create_split_backbone("resnet18")
    assert {name.split(".")[0] for name, _ in stem.named_parameters()} == {"conv1", "bn1"}
    assert {name.split(".")[1] for name, _ in body.named_parameters()} == {f"layer{i}" for i in (1, 2, 3, 4)}


def test_building_leaves_batch_norm_untouched():
    stem, body = create_split_backbone("resnet18")
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


def test_a_network_without_a_sequence_of_layers_cannot_be_cut():
    with pytest.raises(ValueError, match="cannot be cut at stride 4; these can: resnet18, resnet50"):
        create_split_backbone("vit_tiny_patch16_224")


def test_unknown_names_are_explained():
    with pytest.raises(ValueError, match="no backbone 'resnet51'; use one of resnet18"):
        create_backbone("resnet51")


def test_missing_imagenet_weights_warn(monkeypatch):
    create_model = timm.create_model

    def offline(name, pretrained=False, **options):
        if pretrained:
            raise OSError("no connection")
        return create_model(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.warns(UserWarning, match=r"'resnet18' could not be fetched \(OSError\): random weights"):
        assert create_backbone("resnet18", pretrained=True).channels[-1] == 512
    with pytest.warns(UserWarning, match="no ImageNet weights for 'resnet18_tiny'"):
        create_backbone("resnet18_tiny", pretrained=True)
