import numpy as np
import pytest
import torch
from official_weights import golden, kept

from lightning_modules.common.deconvolution import Deconvolution
from lightning_modules.common.heads import LixelHead
from lightning_modules.common.heatmaps import gaussian_profile, soft_argmax


def test_soft_argmax_golden():
    data = golden("i2l_meshnet_functions")
    found = soft_argmax(torch.from_numpy(data["softargmax_in"]))
    torch.testing.assert_close(found, torch.from_numpy(data["softargmax_out"])[..., 0], atol=1e-5, rtol=0)


def test_soft_argmax_of_a_sharp_peak_is_its_index():
    logits = torch.full((32, 64), -50.0)
    logits[torch.arange(32), torch.arange(32) * 2] = 50.0
    torch.testing.assert_close(soft_argmax(logits), torch.arange(32) * 2.0)


def test_soft_argmax_is_float32_under_autocast():
    logits = torch.randn(5, 64)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(soft_argmax(logits), soft_argmax(logits.clone()))
        inside = soft_argmax(logits)
    assert torch.equal(inside, soft_argmax(logits))


def test_profiles_multiply_to_the_golden_volume():
    data = golden("i2l_meshnet_functions")
    x, y, z = gaussian_profile(torch.from_numpy(data["gauss_in"]), 64, sigma=2.5).unbind(2)
    volume = torch.einsum("bjz,bjy,bjx->bjzyx", z, y, x)
    found, expected = kept(volume.numpy(), data, "gauss_out")
    np.testing.assert_allclose(found, expected, atol=1e-7, rtol=1e-5)


def test_profiles_have_no_subnormal_numbers():
    profile = gaussian_profile(torch.linspace(-80, 150, 500), 64, sigma=2.5)
    assert ((profile == 0) | (profile >= 1e-8)).all()
    assert (profile[:120] == 0).all()  # a joint far outside leaves nothing


def test_heat_maps_follow_the_image_axes():
    head = LixelHead(6, points=4, bins=32, channels=5).eval()
    features = torch.rand(2, 6, 4, 4)
    with torch.no_grad():
        upsampled = head.deconv(features)
        x, y, z = head.heatmaps(head.deconv(features), features)
        assert upsampled.shape == (2, 5, 32, 32)
        # Eq. 1: averaging over y leaves x; each bin is a plain matrix product
        column = upsampled[1, :, :, 7].mean(1)
        torch.testing.assert_close(x[1, :, 7], head.conv_x.weight[..., 0] @ column + head.conv_x.bias)
        row = upsampled[1, :, 9].mean(1)
        torch.testing.assert_close(y[1, :, 9], head.conv_y.weight[..., 0] @ row + head.conv_y.bias)
        # Eq. 2: channel index = c * bins + bin
        pooled = head.conv_z_1(features.mean((2, 3))[..., None])[1, :, 0]
        at_bin = torch.stack([pooled[c * 32 + 11] for c in range(5)])
        torch.testing.assert_close(z[1, :, 11], head.conv_z_2.weight[..., 0] @ at_bin + head.conv_z_2.bias)


def test_last_biases_change_nothing():
    head = LixelHead(6, points=4, bins=32, channels=5).eval()
    features = torch.rand(2, 6, 4, 4)
    with torch.no_grad():
        before = head(features)
        for layer in (head.conv_x, head.conv_y, head.conv_z_2):
            layer.bias += torch.randn(4) * 3
        torch.testing.assert_close(head(features), before, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [2, 8])  # the short cut, and too many pixels for it
def test_deconvolution_is_the_transposed_convolution(size):
    layer = Deconvolution(64, 5).eval()
    features = torch.randn(2, 64, size, size)
    expected = torch.nn.functional.conv_transpose2d(features, layer.weight, stride=2, padding=1)
    torch.testing.assert_close(layer(features), expected, atol=1e-5, rtol=1e-5)
    (layer(features).square().sum()).backward()
    found, layer.weight.grad = layer.weight.grad, None
    torch.nn.functional.conv_transpose2d(features, layer.weight, stride=2, padding=1).square().sum().backward()
    torch.testing.assert_close(found, layer.weight.grad, atol=1e-3, rtol=1e-4)
