"""Settings as somebody passes them who has not read how: a dictionary for a configuration, an option in its place."""

import typing

import jaxtyping
import numpy as np
import pytest

import zoo
from datamodules import BENCHMARKS, get_benchmark
from datamodules.open_v2.datamodule import OpenV2DataModule
from datamodules.synthetic import SyntheticDataModule
from lightning_modules import METHODS, get_method
from lightning_modules.common.config import Config
from lightning_modules.i2l_meshnet.config import I2LMeshNetConfig


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch):
    """As a user has it: without the tests' check of types, which would refuse the same in other words."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def _configurations(constructor):
    hints = typing.get_type_hints(constructor).items()
    return {name: hint for name, hint in hints if isinstance(hint, type) and issubclass(hint, Config)}


@pytest.mark.parametrize("method", METHODS)
def test_a_dictionary_for_a_configuration(method):
    kind = get_method(method)
    found = _configurations(kind.__init__)
    assert "network" in found
    for argument, config in found.items():
        for wrong, said in (({}, "a dict"), ("resnet18", "'resnet18'"), (None, "None")):
            with pytest.raises(TypeError) as error:
                kind(**{argument: wrong})
            assert str(error.value) == f"{argument} is {said}; give {config.__name__}(...)"
        setting = next(iter(config.__dataclass_fields__))
        with pytest.raises(
            ValueError, match=rf"^{setting} is a setting of {argument}; give {argument}={config.__name__}\("
        ):
            kind(**{setting: 1})


@pytest.mark.parametrize("kind", [*map(get_benchmark, BENCHMARKS), SyntheticDataModule, OpenV2DataModule])
def test_a_dictionary_for_the_crops(kind):
    with pytest.raises(TypeError, match=r"^crops is a dict; give CropSettings\(...\)$"):
        kind(crops={"size": 64})


def test_zoo_load_takes_both():
    plain = zoo.load("i2l_meshnet.open_tiny", network={"depth_range": np.float32(1.5)})
    config = I2LMeshNetConfig(**plain.hparams["network"])
    assert zoo.load("i2l_meshnet.open_tiny", network=config).hparams["network"] == plain.hparams["network"]
    with pytest.raises(
        zoo.ZooError, match=r"cannot be built: network is 'resnet18'; give its settings, network={...}$"
    ):
        zoo.load("i2l_meshnet.open_tiny", network="resnet18")
