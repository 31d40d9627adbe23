"""MuPoTS-3D: several people in one image, indoors and outdoors, without markers (Mehta et al., 3DV 2018)."""

from datamodules.mupots.datamodule import MupotsDataModule as MupotsDataModule
from datamodules.mupots.writer import MupotsWriter as MupotsWriter

__all__ = ["MupotsDataModule", "MupotsWriter"]
