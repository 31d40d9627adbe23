import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from flat_settings import make
from official_weights import golden
from people import make_batch

from datamodules.base import BaseDataModule
from datamodules.human36m import Human36MDataModule
from datamodules.mixed import MixedDataModule
from datamodules.mpii import MpiiDataModule
from lightning_modules.common.training import lr_factor_at
from lightning_modules.i2l_meshnet.module import I2LMeshNetModule
from zoo.cli.links import LINKS
from zoo.documents.configs import merge, read_config
from zoo.documents.resources import find_config

TINY = {"backbone": "resnet18_tiny", "crop_size": 64, "head_channels": 8}


def test_default_schedule_is_the_released_body_training():
    module = make(I2LMeshNetModule, **TINY)
    setup = module.configure_optimizers()
    rates = []
    for _ in range(13):
        rates.append(setup["optimizer"].param_groups[0]["lr"])
        setup["optimizer"].step()
        setup["lr_scheduler"]["scheduler"].step()
    np.testing.assert_allclose(rates, golden("i2l_meshnet_functions")["lr_body_lixel"], rtol=1e-9)
    assert isinstance(setup["optimizer"], torch.optim.Adam)


def test_cosine_rises_then_falls_to_zero():
    factors = [lr_factor_at("cosine", step, total=100, warmup=10) for step in range(101)]
    assert factors[:11] == sorted(factors[:11])
    assert factors[10] == 1.0
    assert factors[55] == 0.5
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] < 1e-12
    assert lr_factor_at("cosine", 200, total=100, warmup=10) < 1e-12


def test_poly_falls_to_zero_by_the_power_of_nine_tenths():
    assert lr_factor_at("poly", 0, total=100, warmup=0) == 1.0
    assert lr_factor_at("poly", 75, total=100, warmup=0) == 0.25**0.9
    assert lr_factor_at("poly", 100, total=100, warmup=0) == 0.0
    assert lr_factor_at("poly", 1, total=100, warmup=3) == 0.5


def test_a_schedule_that_falls_to_zero_needs_an_end():
    module = make(I2LMeshNetModule, **TINY, schedule="cosine")
    trainer = pl.Trainer(max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False)
    with pytest.raises(ValueError, match=r"cosine falls until the last step.*set trainer.max_steps"):
        trainer.fit(module, torch.utils.data.DataLoader([0]))


def test_no_milestones_are_not_the_default_ones():
    assert make(I2LMeshNetModule, **TINY).training_options["milestones"] == [10, 12]
    assert make(I2LMeshNetModule, **TINY, milestones=[]).training_options["milestones"] == []


@pytest.mark.parametrize("step", ["training_step", "validation_step", "test_step", "predict_step"])
def test_crops_of_another_size_are_refused(step):
    with pytest.raises(ValueError, match=r"crops of 96 pixels.*reads 64; set crops.size: 64"):
        getattr(make(I2LMeshNetModule, **TINY), step)(make_batch(1, 96), 0)


def test_training_on_data_of_another_protocol_is_refused():
    """Other subjects would be trained on than the model is scored by, with validation or without."""
    module = make(I2LMeshNetModule, **TINY, protocol="open-v2")
    quiet = {"logger": False, "enable_checkpointing": False, "num_sanity_val_steps": 0, "limit_val_batches": 0}
    trainer = pl.Trainer(max_steps=1, accelerator="cpu", **quiet)
    with pytest.raises(ValueError, match=r"split by open-v1 and the model is scored by open-v2"):
        trainer.fit(module, ThreePeople("open-v1"))
    assert trainer.global_step == 0


def test_validation_loss_is_the_mean_of_the_losses_in_eval_mode():
    """As in HEMlets' Fig. 9, from a bare Trainer; batches count by their people."""
    torch.manual_seed(0)
    module, batches = make(I2LMeshNetModule, **TINY, val_loss=True), [make_batch(3, 64), make_batch(1, 64)]
    loader = torch.utils.data.DataLoader(batches, batch_size=None)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    (logged,) = pl.Trainer(accelerator="cpu", **quiet).validate(module, loader, verbose=False)
    module.eval()
    with torch.no_grad():
        totals = [sum(value.item() for value in module.losses(batch).values()) for batch in batches]
    assert logged["val/loss"] == pytest.approx((3 * totals[0] + totals[1]) / 4, rel=1e-4)
    (logged,) = pl.Trainer(accelerator="cpu", **quiet).test(module, loader, verbose=False)
    assert not any("loss" in name for name in logged)


class ThreePeople(BaseDataModule):
    """Whose protocol is stated."""

    def __init__(self, protocol):
        super().__init__(batch_size=3, num_workers=0)
        self.protocol = protocol

    def source(self, split):
        """Not read: the loader is below."""

    def fingerprint(self, split):
        """Not asked for either."""

    def setup(self, stage=None):
        """Nothing is opened."""

    def train_dataloader(self):
        """One batch."""
        return torch.utils.data.DataLoader([make_batch(1, 64)], batch_size=None)


def test_a_mix_takes_the_protocol_of_the_model():
    """`--model.protocol` reaches the parts of a mix: other subjects are trained on (Table 2 of CDL)."""
    settings = read_config(find_config("cascaded_lifting/h36m_mpii"))
    model = merge(settings["model"], {"init_args": {"protocol": "h36m-s11-17j-rigid"}})
    value = LINKS["data.init_args.protocol"](model, settings["data"]["class_path"])
    mix = MixedDataModule([Human36MDataModule(layout="3dmppe"), MpiiDataModule()], protocol=value)
    assert mix.protocol == mix.parts[0].protocol == "h36m-s11-17j-rigid"
    assert mix.parts[0].selection("train").subjects == (1, 5, 6, 7, 8, 9)
    assert Human36MDataModule(layout="3dmppe").selection("train").subjects == (1, 5, 6, 7, 8)


def test_labels_of_another_joint_set_are_refused():
    batch = make_batch(1, 64)
    batch["joints"] = batch["joints"][:, :18]
    with pytest.raises(ValueError, match=r"labels of 18 joints.*smpl29, which has 29; set crops.skeleton: smpl29"):
        make(I2LMeshNetModule, **TINY).training_step(batch, 0)
