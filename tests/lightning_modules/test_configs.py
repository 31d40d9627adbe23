"""Schedules of the configurations, against the released ones."""

import numpy as np
import pytest
from flat_settings import make
from official_weights import golden

from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
from zoo.documents.configs import read_config
from zoo.documents.resources import find_config


@pytest.mark.parametrize(
    ("config", "official", "start"),
    [("h36m_coco", "lr_body_lixel", 0), ("h36m_muco_coco", "lr_body_lixel", 0), ("freihand", "lr_hand_lixel", 0),
     ("h36m_muco_coco_param", "lr_body_param", 13)],
)  # fmt: skip
def test_schedules_are_the_released_ones(config, official, start):
    settings = read_config(find_config(f"i2l_meshnet/{config}"))
    arguments = {name: settings["model"]["init_args"][name] for name in ("lr", "schedule", "milestones", "lr_factor")}
    module = make(I2LMeshNetModule, backbone="resnet18_tiny", crop_size=64, head_channels=2, **arguments)
    setup = module.configure_optimizers()
    rates = []
    for _ in range(settings["trainer"]["max_epochs"]):
        rates.append(setup["optimizer"].param_groups[0]["lr"])
        setup["optimizer"].step()
        setup["lr_scheduler"]["scheduler"].step()
    np.testing.assert_allclose(rates, golden("i2l_meshnet_functions")[official][start:], rtol=1e-9)
