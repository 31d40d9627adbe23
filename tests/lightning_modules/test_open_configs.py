"""The configurations that start from the zoo's own backbone: small enough to ship, and a step of training."""

import pytest
import torch
from people import make_batch
from pytorch_lightning.cli import instantiate_module

from lightning_modules import get_method
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config

CONFIGS = [
    "i2l_meshnet/open",
    "hemlets/open",
    "nbf/open",
    "danet/open",
    "cascaded_lifting/open_cascade",
    "cascaded_lifting/open",
]


def read(name):
    return read_config(find_config(name))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_training(name):
    torch.manual_seed(0)
    settings = read(name)
    options = settings["model"]["init_args"] | {"pretrained": False, "start_from": None, "parts_from": None}
    method = get_method(name.partition("/")[0])
    module = instantiate_module(method, {key: value for key, value in options.items() if value is not None})
    weights = {key: value for key, value in module.state_dict().items() if value.is_floating_point()}
    assert sum(value.numel() for value in weights.values()) < 8e6
    # matrices in 16 bits, vectors in 32, as the zoo stores them
    assert sum(value.numel() * (2 if value.ndim > 1 else 4) for value in weights.values()) < 16e6
    crops = settings["data"]["init_args"].get("crops", {})  # the command line takes size and skeleton from the model
    assert module.crop_size == 192
    batch = make_batch(2, 192, skeleton=(module.batch_skeleton or module.skeleton).name)
    if "iuv_size" in crops:
        batch["iuv"] = batch["iuv"][..., : crops["iuv_size"], : crops["iuv_size"]]
    never = torch.zeros(2, dtype=torch.bool)  # of DensePose's labels there are none
    batch |= {"dense_points": torch.zeros(2, 1, 5), "dense_points_valid": never[:, None]}
    batch |= {"dense_mask": torch.zeros(2, 192, 192, dtype=torch.uint8), "dense_mask_valid": never}
    optimizer = module.train().optimizer()
    loss = torch.stack(list(module.losses(batch).values())).sum()
    assert loss.isfinite()
    loss.backward()
    weight = next(weight for weight in module.network.parameters() if weight.grad is not None and weight.grad.any())
    before = weight.detach().clone()
    optimizer.step()
    assert not torch.equal(weight, before)
    assert all(weight.isfinite().all() for weight in module.parameters())
