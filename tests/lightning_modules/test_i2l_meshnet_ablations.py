"""What the paper compares I2L-MeshNet with: every row trains, and differs where the paper says."""

from typing import get_args

import pytest
import torch
from flat_settings import make
from people import open_body
from torch.autograd.graph import saved_tensors_hooks

from lightning_modules.i2l_meshnet.body_head import BodyHead
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig, LixelHeadName
from lightning_modules.i2l_meshnet.heads import MESH_HEADS, HeadSize
from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
from lightning_modules.i2l_meshnet.network import I2LMeshNet

ROWS = {
    **{f"MeshNet alone, {head}": {"cascade": "none", "mesh_head": head} for head in MESH_HEADS},
    **{f"{head} of {bins} bins": {"cascade": "none", "mesh_head": head, "mesh_bins": bins}
       for head, bins in (("lixel", 4), ("lixel", 8), ("pixel_lixel", 4), ("pixel_depth", 8), ("voxel", 4))},
    "true pose": {"cascade": "true"},
    "full": {},
}  # fmt: skip


def regressor(joints=5, vertices=40):
    return torch.rand(joints, vertices, generator=torch.Generator().manual_seed(3)).softmax(-1)


TINY = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}


def network(**settings):
    torch.manual_seed(0)
    return I2LMeshNet(regressor(), I2LMeshNetConfig(**TINY | settings))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_learns_in_ten_steps(row):
    net = network(**ROWS[row])
    image, joints = torch.rand(4, 3, 64, 64), 15 * torch.rand(4, 5, 3)
    target = torch.tensor([4.0, 9.0, 7.0]) + torch.rand(40, 3)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(10):
        output = net(image, joints)
        loss = (output.vertices - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]
    assert output.vertices.shape == (4, 40, 3)
    torch.testing.assert_close(output.joints_from_mesh, regressor() @ output.vertices)


def resnet50_head(name, points=6890, bins=64):
    """A head at the paper's size, its weights not in memory."""
    size = HeadSize(in_channels=2048, side=8, points=points, bins=bins, channels=256)
    with torch.device("meta"):
        if name == "smpl":
            body = open_body()
            return BodyHead(size, body, body.joint_regressor("smpl29"), 2.0)
        return MESH_HEADS[name](size)


def millions(module):
    return sum(weight.numel() for weight in module.parameters()) / 1e6


def test_every_head_that_can_be_chosen_is_there():
    assert set(MESH_HEADS) == set(get_args(LixelHeadName))


def test_parameters_are_those_of_table_1():
    backbone = 23.508032  # ResNet-50 without its classifier
    paper = {"smpl": 91, "coordinates": 117, "lixel_pooled": 82, "lixel": 73}
    assert {name: round(backbone + millions(resnet50_head(name))) for name in paper} == paper


def test_the_voxel_head_has_one_huge_layer():
    # "estimating the voxel-based heatmap involves too many parameters at a single output layer"
    assert millions(resnet50_head("voxel", bins=8).conv_xyz) > 100
    assert millions(resnet50_head("pixel_lixel", bins=32).conv_xy) < 2


def kept_for_backward(name, points, bins):
    """Numbers that one person's forward pass keeps for the backward pass, weights left out."""
    head, kept = MESH_HEADS[name](HeadSize(in_channels=2, side=4, points=points, bins=bins, channels=2)), {}

    def remember(tensor):
        if not isinstance(tensor, torch.nn.Parameter):
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes() // tensor.element_size()
        return tensor

    with saved_tensors_hooks(remember, lambda tensor: tensor):
        head(torch.rand(2, 2, 4, 4)).sum()
    return sum(kept.values())


@pytest.mark.parametrize(("name", "power"), [("lixel", 1), ("pixel_lixel", 2), ("pixel_depth", 2), ("voxel", 3)])
def test_memory_grows_with_the_power_of_table_2(name, power):
    def of_vertices(bins):  # what another 40 vertices cost
        return kept_for_backward(name, 80, bins) - kept_for_backward(name, 40, bins)

    assert of_vertices(32) / of_vertices(16) == pytest.approx(2**power, rel=0.15)


SIZE = HeadSize(in_channels=6, side=4, points=7, bins=16, channels=5)


def with_weights_of(source, name, size=SIZE):
    head = MESH_HEADS[name](size).eval()
    head.load_state_dict(source.state_dict(), strict=False)
    return head


def test_early_and_late_marginalisation_differ_by_the_enlargement_alone():
    same = HeadSize(in_channels=6, side=4, points=7, bins=4, channels=5)
    features = torch.randn(2, 6, 4, 4)
    late = MESH_HEADS["lixel"](same).eval()
    torch.testing.assert_close(with_weights_of(late, "lixel_early", same)(features), late(features))
    kinds = {type(layer).__name__ for layer in MESH_HEADS["lixel_early"](SIZE).deconv}
    assert kinds == {"ConvTranspose1d", "BatchNorm1d", "ReLU"}


def test_marginalisations_of_table_9():
    late, features = MESH_HEADS["lixel"](SIZE).eval(), torch.randn(2, 6, 4, 4)
    upsampled = late.deconv(features)
    largest = with_weights_of(late, "lixel_max").marginals(upsampled)
    torch.testing.assert_close(largest[0], upsampled.max(dim=2).values)
    torch.testing.assert_close(largest[1], upsampled.max(dim=3).values)
    weighted = with_weights_of(late, "lixel_weighted")
    assert not torch.allclose(weighted(features), late(features))
    with torch.no_grad():  # equal weights, channel by channel, are the average
        for layer in (weighted.sum_x, weighted.sum_y):
            layer.weight.copy_(torch.eye(5)[:, :, None, None].expand_as(layer.weight) / 16)
            layer.bias.zero_()
    torch.testing.assert_close(weighted(features), late(features))


def test_a_separable_map_is_two_lines():
    """Pixels say what lixels say when the 2D heat map is a product of two lines; 2.5D depth is read where it points."""
    head = MESH_HEADS["pixel_depth"](HeadSize(in_channels=1, side=4, points=1, bins=4, channels=1)).eval()
    x, y = torch.tensor([0.0, 1, 2, 0]), torch.tensor([3.0, 0, 0, 1])
    with torch.no_grad():
        head.conv_xy.weight.fill_(1.0)
        head.conv_z.weight.fill_(0.0)
        head.conv_z.bias.fill_(0.25)
        point = head((x + y[:, None])[None, None])[0, 0]
    bins = torch.arange(4.0)
    torch.testing.assert_close(point, torch.stack([x.softmax(0) @ bins, y.softmax(0) @ bins, torch.tensor(3.0)]))


def test_coarser_meshes_answer_in_the_same_unit():
    vertices = network(cascade="none", mesh_bins=4).eval()(torch.rand(2, 3, 64, 64)).vertices
    assert vertices.max() <= 3 * 16 / 4
    assert vertices.mean() > 3  # a heat map that knows nothing says 1.5 of 4, which is 6 of 16


def test_cascades_have_the_parts_that_table_3_says():
    parts = {
        cascade: {name.split(".")[0] for name, _ in network(cascade=cascade).named_parameters()}
        for cascade in ("pose_net", "true", "none")
    }
    assert parts["none"] == {"stem", "mesh_body", "mesh_head"}
    assert parts["true"] == parts["none"] | {"pose2feat"}
    assert parts["pose_net"] == parts["true"] | {"pose_body", "pose_head"}


def test_the_true_pose_is_an_input_and_changes_the_mesh():
    net, image = network(cascade="true").eval(), torch.rand(2, 3, 64, 64)
    torch.nn.init.normal_(net.pose2feat.conv.weight, std=0.3)
    here, there = torch.full((2, 5, 3), 4.0, requires_grad=True), torch.full((2, 5, 3), 11.0)
    output = net(image, here)
    assert (output.vertices - net(image, there).vertices).abs().max() > 1e-3
    assert torch.equal(output.joints, here)
    output.vertices.sum().backward()
    assert here.grad is None  # nothing flows back into the joints
    with pytest.raises(ValueError, match="no PoseNet \\(cascade: true\\); put the true joints in"):
        net(image)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mesh_bins": 12}, "12 bins cannot be made of 4 x 4; use 4, 8, 16, 32"),
        ({"mesh_from": "param"}, "needs body parameters"),
        ({"stage": "param", "part_weight": 1.0}, "part_weight: 0"),
        ({"cascade": "none", "pose_steps": 3}, "only with cascade: pose_net"),
        ({"mesh_head": "smpl", "flip_test": True}, "not for cascade true or head smpl"),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(ValueError, match=message):
        make(I2LMeshNetModule, **TINY, **settings)


def test_networks_of_other_backbones_can_be_cut_short():
    for backbone in ("resnet50", "hrnet_w32"):
        assert network(backbone=backbone).eval()(torch.rand(1, 3, 64, 64)).vertices.shape == (1, 40, 3)
