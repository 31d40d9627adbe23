import pytest
import torch
from torch.nn import functional

from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig
from lightning_modules.i2l_meshnet.network import I2LMeshNet, Pose2Feat


def regressor(joints=5, vertices=40):
    return torch.rand(joints, vertices, generator=torch.Generator().manual_seed(3)).softmax(-1)


def tiny(crop=64):
    torch.manual_seed(0)
    return I2LMeshNet(regressor(), I2LMeshNetConfig(backbone="resnet18_tiny", crop_size=crop, head_channels=8))


@pytest.fixture(scope="module")
def network():
    return tiny()


def test_separable_form_is_the_published_convolution():
    torch.manual_seed(1)
    layer = Pose2Feat(channels=6, joints=4, bins=24).double().eval()
    torch.nn.init.normal_(layer.conv.weight)
    torch.nn.init.normal_(layer.conv.bias)
    feature = torch.randn(3, 6, 24, 24, dtype=torch.float64)
    joints = torch.rand(3, 4, 3, dtype=torch.float64) * 32 - 4  # some outside the volume
    grid = torch.arange(24.0, dtype=torch.float64)
    z, y, x = torch.meshgrid(grid, grid, grid, indexing="ij")
    squares = [(axis - joints[..., i, None, None, None]) ** 2 for i, axis in enumerate((x, y, z))]
    volume = torch.exp(-sum(squares) / (2 * 2.5**2))
    expected = functional.relu(layer.norm(layer.conv(torch.cat([feature, volume.flatten(1, 2)], 1))))
    assert expected.std() > 0.1
    torch.testing.assert_close(layer(feature, joints), expected, atol=1e-5, rtol=0)

    weight_gradient = torch.autograd.grad(expected.square().sum(), layer.conv.weight)[0]
    ours = torch.autograd.grad(layer(feature, joints).square().sum(), layer.conv.weight)[0]
    torch.testing.assert_close(ours, weight_gradient, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(("crop", "batch"), [(64, 3), (96, 2), (128, 1)])
def test_shapes_and_range(crop, batch):
    output = tiny(crop).eval()(torch.rand(batch, 3, crop, crop))
    assert output.joints.shape == (batch, 5, 3)
    assert output.vertices.shape == (batch, 40, 3)
    for points in (output.joints, output.vertices):
        assert (points >= 0).all()
        assert (points <= crop // 4 - 1).all()
    torch.testing.assert_close(output.joints_from_mesh, regressor() @ output.vertices)


def test_samples_do_not_mix_in_eval_mode(network):
    images = torch.rand(3, 3, 64, 64)
    together = network.eval()(images)
    alone = network(images[1:2])
    torch.testing.assert_close(together.vertices[1:2], alone.vertices, atol=1e-4, rtol=1e-4)


def gradients(network, of):
    network.train().zero_grad()
    torch.manual_seed(5)
    output = network(torch.rand(3, 3, 64, 64))
    of(output).backward()
    return {
        name for name, weight in network.named_parameters() if weight.grad is not None and weight.grad.abs().sum() > 0
    }


def test_mesh_losses_reach_the_stem_but_not_pose_net(network):
    reached = gradients(network, lambda output: output.vertices.square().sum() + output.joints_from_mesh.sum())
    parts = {name.split(".")[0] for name in reached}
    assert parts == {"stem", "pose2feat", "mesh_body", "mesh_head"}


def test_pose_losses_stay_in_pose_net(network):
    parts = {name.split(".")[0] for name in gradients(network, lambda output: output.joints.square().sum())}
    assert parts == {"stem", "pose_body", "pose_head"}


def test_body_is_not_in_the_state_dict(network):
    assert "joint_regressor" in dict(network.named_buffers())
    assert "joint_regressor" not in network.state_dict()


def test_released_initialisation(network):
    fresh = tiny()
    assert fresh.pose2feat.conv.weight.std().item() == pytest.approx(0.001, rel=0.02)
    assert fresh.mesh_head.deconv[0].weight.std().item() == pytest.approx(0.001, rel=0.05)
    assert not fresh.pose2feat.conv.bias.any()
    bound = fresh.mesh_head.conv_x.in_channels**-0.5  # PyTorch's own for 1D convolutions
    assert 0.9 * bound < fresh.mesh_head.conv_x.weight.abs().max().item() <= bound


def test_wrong_sizes_are_explained():
    with pytest.raises(ValueError, match="crop_size 100 is not a multiple of 32"):
        I2LMeshNetConfig(crop_size=100)
