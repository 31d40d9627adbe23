"""Packages that only some of the work needs: where one is missing, the message names the extra that brings it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal


class MissingExtra(ModuleNotFoundError):
    """A package of an extra is not installed."""


def import_extra(module: str, extra: Literal["app", "data", "export", "shards", "video", "wandb"]) -> Any:
    """A module of a package that an extra of this project brings.

    Args:
        module: dotted name.
        extra: of `pyproject.toml`.

    Raises:
        MissingExtra: the package is not installed.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:  # one that it needs itself
            raise
        raise MissingExtra(
            f"{package} is not installed: pip install 'human-mesh-zoo[{extra}]', or pip install {package}", name=package
        ) from None
