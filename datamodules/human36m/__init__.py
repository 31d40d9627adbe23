"""Human3.6M, in three layouts: the authors' own, 3DMPPE's JSON files, and SPIN's arrays."""

from datamodules.human36m.datamodule import Human36MDataModule

__all__ = ["Human36MDataModule"]
