"""The configurations that start from the zoo's own backbone: small enough to ship, and a step of training."""

from pathlib import Path

import pytest
import torch
import yaml
from people import make_batch

from lightning_modules import get_method
from zoo.resources import find_config

CONFIGS = ["hemlets/open", "nbf/open", "danet/open", "cascaded_lifting/open_cascade", "cascaded_lifting/open"]


def read(name):
    return yaml.safe_load(Path(find_config(name)).read_text())


@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_training(name):
    torch.manual_seed(0)
    settings = read(name)
    options = settings["model"]["init_args"] | {"pretrained": False, "start_from": None}
    method = get_method(name.partition("/")[0])
    module = method(**{key: value for key, value in options.items() if value is not None})
    weights = {key: value for key, value in module.state_dict().items() if value.is_floating_point()}
    assert sum(value.numel() for value in weights.values()) < 8e6
    # matrices in 16 bits, vectors in 32, as the zoo stores them
    assert sum(value.numel() * (2 if value.ndim > 1 else 4) for value in weights.values()) < 16e6
    crops = settings["data"]["init_args"]["crops"]
    assert crops["size"] == module.crop_size == 192
    batch = make_batch(2, 192, skeleton=crops.get("skeleton", "smpl29"))
    if "iuv_size" in crops:
        batch["iuv"] = batch["iuv"][..., : crops["iuv_size"], : crops["iuv_size"]]
    module.train()
    optimizer = module.optimizer()
    loss = torch.stack(list(module.losses(batch).values())).sum()
    loss.backward()
    before = {name: value.detach().clone() for name, value in module.network.named_parameters() if value.requires_grad}
    optimizer.step()
    assert loss.isfinite()
    assert all(
        not torch.equal(value, before[name])
        for name, value in module.network.named_parameters()
        if name in before and value.grad is not None and value.grad.any()
    )
    assert before
