"""The open benchmark `open-v1`: photographs of people that nobody has to ask for."""

from datamodules.synthetic.datamodule import SyntheticDataModule

__all__ = ["SyntheticDataModule"]
