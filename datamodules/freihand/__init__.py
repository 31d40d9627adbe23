"""FreiHAND."""

from datamodules.freihand.datamodule import FreiHandDataModule

__all__ = ["FreiHandDataModule"]
