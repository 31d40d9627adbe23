"""Every family of timm networks in every method: shapes, and gradients in all weights of the backbone."""

import pytest
import torch
from timm.layers import DropPath
from torch import nn
from torch.utils._pytree import tree_leaves

from lightning_modules.cascaded_lifting.config import CascadeConfig
from lightning_modules.cascaded_lifting.network import CascadeNet
from lightning_modules.common.backbones import Backbone
from lightning_modules.danet.config import DaNetConfig
from lightning_modules.danet.network import DaNet
from lightning_modules.hemlets.config import HemletsConfig
from lightning_modules.hemlets.network import HemletsNet
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig
from lightning_modules.i2l_meshnet.network import I2LMeshNet
from lightning_modules.nbf.encoder import Encoder
from lightning_modules.nbf.segmenter import RefineNet
from lightning_modules.rootnet.config import RootNetConfig
from lightning_modules.rootnet.network import RootNet

FAMILIES = {
    "resnet": "resnet10t",
    "efficientnet_lite": "tf_efficientnet_lite0",
    "mobilenetv3": "mobilenetv3_small_050",
    "mobilenetv4": "mobilenetv4_conv_small_035",
    "convnext": "convnext_atto",
    "regnet": "regnetx_002",
    "hrnet": "hrnet_w18_small",
    "vgg": "vgg11",
    "vit": "vit_tiny_patch16_224",
    "dinov2": "vit_small_patch14_dinov2",
    "swin": "swin_tiny_patch4_window7_224",
    "pvt": "pvt_v2_b0",
    "fastvit": "fastvit_t8",
}
SIDE = 64


def i2l_meshnet(name):
    return I2LMeshNet(torch.full((2, 5), 0.2), I2LMeshNetConfig(backbone=name, crop_size=SIDE, head_channels=4)), [
        (2, 2, 3),
        (2, 5, 3),
        (2, 2, 3),
    ]


def hemlets(name):
    widths = {"head_channels": 4, "feature_channels": 4, "hidden_channels": 4}
    network = HemletsNet(HemletsConfig(backbone=name, depth_bins=4, **widths), 3, 4)
    return network, [(2, 3, 3), (2, 7, 16, 16)]


def cascaded_lifting(name):
    config = CascadeConfig(backbone=name, crop_size=SIDE, depth_bins=4, head_channels=4, branch_channels=4)
    network = CascadeNet(config, 3, 2, lifting=False)
    return network, [(2, 3, 3), (2, 2, 16, 16), (2, 3, 16, 16), (2, 4, 16, 16), (2, 4, 16, 16)]


def rootnet(name):
    return RootNet(RootNetConfig(backbone=name, head_channels=4)), [(2, 2), (2,)]


def danet(name):
    widths = {"channels": 8, "stream_channels": 4, "features": 4}
    config = DaNetConfig(iuv_backbone=name, global_backbone=name, local_backbone=name, charts="open", **widths)
    return DaNet(config), [
        (2, 3),
        (2, 10),
        (2, 24, 3, 3),
    ]


class Fitting(nn.Module):
    """NBF's segmenter and encoder side by side."""

    def __init__(self, name):
        super().__init__()
        self.segmenter, self.encoder = RefineNet(name, 5, 4, norm=True), Encoder(name)

    def forward(self, image):
        return self.segmenter(image), self.encoder(image)


def nbf(name):
    return Fitting(name), [(2, 5, 16, 16)]


METHODS = [i2l_meshnet, hemlets, cascaded_lifting, rootnet, danet, nbf]
BACKBONES_OF = {i2l_meshnet: 3, danet: 3, nbf: 2}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_every_family_in_every_method(method, family):
    torch.manual_seed(0)
    network, shapes = method(FAMILIES[family])
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):  # residual branches start at zero, which hides what is inside of them
            nn.init.ones_(layer.weight)
        if isinstance(layer, DropPath):
            layer.drop_prob = 0.0
    side = SIDE
    if method is danet:  # its streams read maps of a quarter; one pixel is left, of which a batch norm leaves nothing
        side = 2 * SIDE
        network.eval()
    outputs = [leaf for leaf in tree_leaves(network(torch.rand(2, 3, side, side))) if isinstance(leaf, torch.Tensor)]
    assert [tuple(leaf.shape) for leaf in outputs][: len(shapes)] == shapes
    torch.stack([leaf.square().mean() for leaf in outputs if leaf.requires_grad]).sum().backward()
    backbones = {key: part for key, part in network.named_modules() if isinstance(part, Backbone)}
    if method is i2l_meshnet:
        backbones["stem"] = network.stem
    assert len(backbones) == BACKBONES_OF.get(method, 1)
    weights = {f"{key}.{name}": weight for key, part in backbones.items() for name, weight in part.named_parameters()}
    assert not [name for name, weight in weights.items() if weight.grad is None or not weight.grad.any()]
