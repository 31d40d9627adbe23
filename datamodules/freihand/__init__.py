"""FreiHAND."""

from datamodules.freihand.datamodule import FreiHandDataModule
from datamodules.freihand.writer import FreiHandWriter

__all__ = ["FreiHandDataModule", "FreiHandWriter"]
