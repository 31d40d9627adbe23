"""The methods of the zoo: one folder per paper, plus the backbones, heads and base module that they share."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_modules.base import PoseModule

# method -> LightningModule, by dotted path so that naming a method imports nothing heavy
METHODS: dict[str, str] = {
    "cascaded_lifting": "lightning_modules.cascaded_lifting.module.CascadedLiftingModule",
    "danet": "lightning_modules.danet.module.DaNetModule",
    "hemlets": "lightning_modules.hemlets.module.HemletsModule",
    "i2l_meshnet": "lightning_modules.i2l_meshnet.module.I2LMeshNetModule",
    "nbf": "lightning_modules.nbf.module.NBFModule",
    "rootnet": "lightning_modules.rootnet.module.RootNetModule",
}


def get_method(name: str) -> type[PoseModule]:
    """The LightningModule class of a method.

    Raises:
        KeyError: no such method; the message lists those there are.
    """
    if name not in METHODS:
        raise KeyError(f"no method {name!r}; there are {', '.join(METHODS)}")
    module, _, attribute = METHODS[name].rpartition(".")
    return getattr(import_module(module), attribute)
