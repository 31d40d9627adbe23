"""The methods of the zoo: one folder per paper, plus the backbones, heads and base module that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from body.installed import import_class, with_installed

if TYPE_CHECKING:
    from lightning_modules.base import PoseModule

GROUP = "human_mesh_zoo.methods"
"""Entry points of this group name a `PoseModule`: `name = "package.module:Class"`."""

_OWN = {
    "cascaded_lifting": "lightning_modules.cascaded_lifting.module.CascadedLiftingModule",
    "danet": "lightning_modules.danet.module.DaNetModule",
    "hemlets": "lightning_modules.hemlets.module.HemletsModule",
    "i2l_meshnet": "lightning_modules.i2l_meshnet.module.I2LMeshNetModule",
    "nbf": "lightning_modules.nbf.module.NBFModule",
    "rootnet": "lightning_modules.rootnet.module.RootNetModule",
}
METHODS: dict[str, str] = with_installed(_OWN, GROUP)
"""LightningModule of every method, by dotted path so that naming a method imports nothing heavy."""


def get_method(name: str) -> type[PoseModule]:
    """The LightningModule class of a method.

    Raises:
        KeyError: no such method; the message lists those there are.
        ValueError: an installed package's that cannot be loaded.
    """
    from lightning_modules.base import PoseModule

    return import_class("method", name, METHODS, PoseModule)
