"""Weights of single backbones that ship with the package: entries `backbone.NAME` of `checkpoints.yaml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.checkpoints.entry import Licences, Training
from zoo.documents.resources import resource_path
from zoo.documents.schema import expect_mapping, parse_dataclass
from zoo.errors import ZooError

PREFIX = "backbone."


@dataclass(frozen=True)
class BackboneWeights:
    """One backbone's weights, which `pretrained: true` means for its name in the registry of backbones.

    Attributes:
        name: `backbone.NAME`, NAME a key of `lightning_modules.common.backbones.BACKBONES`.
        summary: one line.
        sha256: of the file `backbones/NAME.safetensors` beside the bundled weights.
        bytes: its size.
        parameters: number of trainable values of the backbone, all of its maps taken.
        licences: see `Licences`.
        training: how they came to be.
    """

    name: str
    summary: str
    sha256: str
    bytes: int
    parameters: int
    licences: Licences
    training: Training

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ZooError(f"{self.name}: sha256 {self.sha256!r} is not of the form [0-9a-f]{{64}}")


def parse_backbones(document: dict[str, Any]) -> dict[str, BackboneWeights]:
    """Typed backbone entries of a parsed `checkpoints.yaml`, by their names in the registry.

    Raises:
        ZooError: a field is missing, unknown or of the wrong type.
    """
    return {
        name.removeprefix(PREFIX): parse_dataclass(BackboneWeights, {"name": name, **expect_mapping(value, name)}, name)
        for name, value in document.items()
        if name.startswith(PREFIX)
    }


def read_backbones(path: Path | None = None) -> dict[str, BackboneWeights]:
    """As `parse_backbones`, of the list of the package or another file."""
    import yaml

    return parse_backbones(yaml.safe_load((path or resource_path("checkpoints.yaml")).read_text(encoding="utf-8")))
