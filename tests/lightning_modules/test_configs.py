"""Schedules, losses and joints of the configurations, against the released ones."""

import numpy as np
import pytest
from flat_settings import make
from official_weights import golden
from people import make_batch

from body.skeleton import MPII16, get_skeleton
from datamodules.aliases import same_joints
from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
from zoo.documents.configs import flatten, read_config
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


@pytest.mark.parametrize("name", ["freihand", "surreal"])
def test_people_who_all_have_a_fit_train_no_term_twice(name):
    """The five terms of Eq. 13; the release's two more, of the data sets' own joints, are zero on these data."""
    losses = read_config(find_config(f"i2l_meshnet/{name}"))["model"]["init_args"]["losses"]
    settings = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 4, **losses}
    batch = make_batch(2, 64)
    assert len(make(I2LMeshNetModule, **settings).losses(batch)) == 5
    released = make(I2LMeshNetModule, **settings | {"terms": "release"}).losses(batch)
    assert len(released) == 7


def test_rootnet_learns_from_mpii():
    """Its one joint, the pelvis, is there under Human3.6M's name; without the configuration's rule it is not."""
    settings = flatten(read_config(find_config("rootnet/h36m_mpii")))
    rule = settings["data.init_args.crops.same_joints"]
    target = get_skeleton(settings["model.init_args.skeleton"])
    root = target.root_index
    assert MPII16.positions_of(target, same_joints(rule, MPII16, target))[root] == MPII16.index("pelvis_mpii")
    assert MPII16.positions_of(target, same_joints(None, MPII16, target))[root] < 0
