"""Every training of the papers runs through the real command line, made small."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from official_weights import golden

from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
from zoo.cli import main
from zoo.resources import find_config, list_configs

SMALL = {
    "model": {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8, "pretrained": "false"},
    "data": {"crops.size": 64, "batch_size": 2, "num_workers": 0, "train_samples": 4, "val_samples": 2,
             "test_samples": 2, "image_size": 64, "generator_workers": 1},
    "trainer": {"accelerator": "cpu", "max_steps": 2, "log_every_n_steps": 1, "enable_model_summary": "false"},
}  # fmt: skip
RUNS = {
    "i2l_meshnet/h36m_coco": ["--trainer.precision", "bf16-mixed"],
    "i2l_meshnet/h36m_muco_coco": [],
    "i2l_meshnet/h36m_muco_coco_param": [],  # goes on from the run before
    "i2l_meshnet/freihand": [],
    "i2l_meshnet/surreal": [],
    "i2l_meshnet/ablation": ["--model.mesh_head", "lixel_pooled", "--model.mesh_bins", "8"],
    "rootnet/h36m_mpii": [],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder that all runs share, as a user's would be."""
    path = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setenv("ZOO_CACHE", str(path / "cache"))
        yield path


def test_the_trainings_of_the_papers_run(folder):
    small = [f"--{part}.{name}={value}" for part, settings in SMALL.items() for name, value in settings.items()]
    for name, options in RUNS.items():
        own = [option for option in small if "param" not in name or "pretrained" not in option]
        assert main(["fit", "--config", name, *own, *options]) == 0, name
        saved = torch.load(folder / f"outputs/{name}/checkpoints/last.ckpt", weights_only=True)
        assert saved["global_step"] == 2
        assert all(value.isfinite().all() for value in saved["state_dict"].values()), name


def test_every_configuration_is_run_or_shipped_with_weights():
    shipped = {name for name in list_configs() if name.partition("/")[0] in ("i2l_meshnet", "rootnet")}
    assert shipped == {*RUNS, "i2l_meshnet/open_tiny"}


@pytest.mark.parametrize(
    ("config", "official", "start"),
    [("h36m_coco", "lr_body_lixel", 0), ("h36m_muco_coco", "lr_body_lixel", 0), ("freihand", "lr_hand_lixel", 0),
     ("h36m_muco_coco_param", "lr_body_param", 13)],
)  # fmt: skip
def test_schedules_are_the_released_ones(config, official, start):
    settings = yaml.safe_load(Path(find_config(f"i2l_meshnet/{config}")).read_text())
    arguments = {name: settings["model"]["init_args"][name] for name in ("lr", "schedule", "milestones", "lr_factor")}
    module = I2LMeshNetModule("resnet18_tiny", crop_size=64, head_channels=2, **arguments)
    setup = module.configure_optimizers()
    rates = []
    for _ in range(settings["trainer"]["max_epochs"]):
        rates.append(setup["optimizer"].param_groups[0]["lr"])
        setup["optimizer"].step()
        setup["lr_scheduler"]["scheduler"].step()
    np.testing.assert_allclose(rates, golden("i2l_meshnet_functions")[official][start:], rtol=1e-9)
