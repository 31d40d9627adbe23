"""SURREAL: rendered people that move as recorded ones do (Varol et al. 2017)."""

from datamodules.surreal.datamodule import SurrealDataModule

__all__ = ["SurrealDataModule"]
