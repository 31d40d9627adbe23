"""A small model and its ONNX file, exported once for all tests."""

import copy

import pytest
import torch

from zoo.deployment.export import export_model


@pytest.fixture(scope="session")
def awake(small_model):
    """With weights such that the answer hangs on the image, as in a trained network."""
    torch.manual_seed(0)
    model = copy.deepcopy(small_model)
    for layer in model.network.modules():
        if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.ones_(layer.weight)
        if isinstance(layer, torch.nn.ConvTranspose2d | torch.nn.Conv1d | torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    return model


@pytest.fixture(scope="session")
def exported(awake, tmp_path_factory):
    return export_model(awake, "i2l_meshnet.small", "onnx", tmp_path_factory.mktemp("onnx") / "small.onnx")
