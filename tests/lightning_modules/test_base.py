import numpy as np
import torch
from official_weights import golden

from lightning_modules.base import falling_factor
from lightning_modules.i2l_meshnet.module import I2LMeshNetModule


def test_default_schedule_is_the_released_body_training():
    module = I2LMeshNetModule(backbone="resnet18_tiny", crop_size=64, head_channels=8)
    setup = module.configure_optimizers()
    rates = []
    for _ in range(13):
        rates.append(setup["optimizer"].param_groups[0]["lr"])
        setup["optimizer"].step()
        setup["lr_scheduler"]["scheduler"].step()
    np.testing.assert_allclose(rates, golden("i2l_meshnet_functions")["lr_body_lixel"], rtol=1e-9)
    assert isinstance(setup["optimizer"], torch.optim.Adam)


def test_cosine_rises_then_falls_to_zero():
    factors = [falling_factor("cosine", step, total=100, warmup=10) for step in range(101)]
    assert factors[:11] == sorted(factors[:11])
    assert factors[10] == 1.0
    assert factors[55] == 0.5
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] < 1e-12
    assert falling_factor("cosine", 200, total=100, warmup=10) < 1e-12


def test_poly_falls_to_zero_by_the_power_of_nine_tenths():
    assert falling_factor("poly", 0, total=100, warmup=0) == 1.0
    assert falling_factor("poly", 75, total=100, warmup=0) == 0.25**0.9
    assert falling_factor("poly", 100, total=100, warmup=0) == 0.0
    assert falling_factor("poly", 1, total=100, warmup=3) == 0.5
